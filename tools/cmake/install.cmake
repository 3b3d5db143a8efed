# What `cmake --install` puts into the prefix, beside the millrace command
# (tools/CMakeLists.txt): the library, its headers, and the two descriptions
# by which other projects find it. The testing twin stays here.
include(CMakePackageConfigHelpers)

set(millrace_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)

install(TARGETS millrace EXPORT millrace-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT millrace-targets NAMESPACE millrace::
    DESTINATION ${millrace_package_dir})

configure_package_config_file(
    ${CMAKE_CURRENT_LIST_DIR}/millrace-config.cmake.in
    ${PROJECT_BINARY_DIR}/millrace-config.cmake
    INSTALL_DESTINATION ${millrace_package_dir}
    NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor release may change what programs see.
write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/millrace-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/millrace-config.cmake
    ${PROJECT_BINARY_DIR}/millrace-config-version.cmake
    DESTINATION ${millrace_package_dir})

# millrace.pc finds its prefix from where it lies, so that the installed tree
# can be moved. An absolute directory in the cache cannot move: it is written
# as it is.
set(libdir_full ${CMAKE_INSTALL_FULL_LIBDIR})
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    file(RELATIVE_PATH up ${libdir_full}/pkgconfig ${CMAKE_INSTALL_PREFIX})
    string(REGEX REPLACE "/$" "" up "${up}")
    set(pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(kind LIBDIR INCLUDEDIR)
    string(TOLOWER ${kind} name)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
        set(pc_${name} "${CMAKE_INSTALL_${kind}}")
    else()
        set(pc_${name} "\${prefix}/${CMAKE_INSTALL_${kind}}")
    endif()
endforeach()
set(pc_requires_private "")
if(MILLRACE_IO)
    set(pc_requires_private " libuv")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/millrace.pc.in
    ${PROJECT_BINARY_DIR}/millrace.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/millrace.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
