# millrace_valgrind_test(unit_fiber SOURCES ...): the same test once more, with
# the plain runner, under memcheck. Where Valgrind is not installed, or would
# meet a sanitizer or foreign code, there is no such test; nor with clang,
# whose DWARF 5 stops Valgrind 3.19 before the program runs.
find_program(MILLRACE_VALGRIND NAMES valgrind)
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE OR CMAKE_CROSSCOMPILING
        OR CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(MILLRACE_VALGRIND_TESTS OFF)
else()
    set(MILLRACE_VALGRIND_TESTS ${MILLRACE_VALGRIND})
endif()

if(MILLRACE_VALGRIND_TESTS)
    add_library(millrace_test_support_plain STATIC
        ${MILLRACE_TEST_SUPPORT_SOURCES} support/runner.c)
    target_include_directories(millrace_test_support_plain PUBLIC support)
    target_link_libraries(millrace_test_support_plain PUBLIC millrace_flags
        Threads::Threads)
    target_compile_definitions(millrace_test_support_plain
        PUBLIC MR_TEST_PLAIN)
endif()

function(millrace_valgrind_test name)
    if(NOT MILLRACE_VALGRIND_TESTS)
        return()
    endif()
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(test_plain_${name} ${arg_SOURCES})
    target_link_libraries(test_plain_${name} PRIVATE
        millrace_test_support_plain millrace_twin millrace_test_support_plain
        ${arg_LIBS})
    millrace_reporting_test(valgrind_${name} TIMEOUT ${arg_TIMEOUT}
        COMMAND ${MILLRACE_VALGRIND} --quiet
        --error-exitcode=9 --leak-check=full --fair-sched=yes
        --suppressions=${PROJECT_SOURCE_DIR}/tests/valgrind.supp
        $<TARGET_FILE:test_plain_${name}>)
    set_tests_properties(valgrind_${name} PROPERTIES LABELS valgrind
        ENVIRONMENT TEST_SLOWER=20)
endfunction()
