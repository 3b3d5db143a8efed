# What peers in other languages are built with: Debian's packages alone, nothing
# from a network. None is part of `all`. What is missing is said at configure
# time, and no target is made: `if(TARGET ...)`.

function(bench_missing peer why)
    message(STATUS "bench: no ${peer} to compare with: ${why}")
endfunction()

# ---- Rust -------------------------------------------------------------------

# Debian's Rust before one that a user has installed.
find_program(BENCH_CARGO cargo PATHS /usr/bin NO_DEFAULT_PATH)
find_program(BENCH_CARGO cargo)
find_program(BENCH_RUSTC rustc PATHS /usr/bin NO_DEFAULT_PATH)
find_program(BENCH_RUSTC rustc)
set(BENCH_CARGO_REGISTRY /usr/share/cargo/registry CACHE PATH
    "Where Debian's librust-*-dev lie")

# bench_cargo(TARGET CRATE            which is to be there
#     [MAJOR N]                       in this major version; 1
#     [FEATURES NAME...]              of it
#     PROGRAMS NAME SOURCE...         which come to lie in the caller's folder
#     [LINK ARGUMENT...] [DEPENDS TARGET-OR-FILE...])
function(bench_cargo target crate)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "MAJOR"
        "FEATURES;PROGRAMS;LINK;DEPENDS")
    if(NOT DEFINED arg_MAJOR)
        set(arg_MAJOR 1)
    endif()
    set(there ${CMAKE_CURRENT_BINARY_DIR})
    set(dir ${there}/${target})
    file(GLOB found ${BENCH_CARGO_REGISTRY}/${crate}-${arg_MAJOR}.*)
    if(NOT BENCH_CARGO OR NOT BENCH_RUSTC OR NOT found)
        bench_missing(${target} "no cargo or no librust-${crate}-dev")
        return()
    endif()
    list(TRANSFORM arg_FEATURES REPLACE "(.+)" "\"\\1\"")
    list(JOIN arg_FEATURES ", " features)
    set(BENCH_CARGO_DEPENDENCIES
        "${crate} = { version = \"${arg_MAJOR}\", features = [${features}] }")
    set(BENCH_CARGO_PROGRAMS)
    while(arg_PROGRAMS)
        list(POP_FRONT arg_PROGRAMS name source)
        set(source ${CMAKE_CURRENT_SOURCE_DIR}/${source})
        string(APPEND BENCH_CARGO_PROGRAMS
            "\n[[bin]]\nname = \"${name}\"\npath = \"${source}\"\n")
        list(APPEND sources ${source})
        list(APPEND made ${there}/${name})
        list(APPEND copies ${dir}/target/release/${name})
    endwhile()
    configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/Cargo.toml.in
        ${dir}/Cargo.toml @ONLY)
    file(CONFIGURE OUTPUT ${dir}/.cargo/config.toml CONTENT
"[source.crates-io]\nreplace-with = \"debian\"\n
[source.debian]\ndirectory = \"${BENCH_CARGO_REGISTRY}\"\n")
    list(TRANSFORM arg_LINK PREPEND "-Clink-arg=")
    list(JOIN arg_LINK " " link)
    add_custom_command(OUTPUT ${made}
        COMMAND ${CMAKE_COMMAND} -E env CARGO_HOME=${dir}/home
            RUSTC=${BENCH_RUSTC} "RUSTFLAGS=${link}"
            ${BENCH_CARGO} build --release --offline --quiet
        COMMAND ${CMAKE_COMMAND} -E copy ${copies} ${there}
        DEPENDS ${sources} ${dir}/Cargo.toml ${arg_DEPENDS}
        WORKING_DIRECTORY ${dir} VERBATIM)
    add_custom_target(${target} DEPENDS ${made})
endfunction()

# ---- Go ---------------------------------------------------------------------

find_program(BENCH_GO go)

# bench_go(TARGET PROGRAM SOURCES FILE... [ENVIRONMENT NAME=VALUE...]
#     [DEPENDS TARGET-OR-FILE...])
function(bench_go target program)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;ENVIRONMENT;DEPENDS")
    set(here ${CMAKE_CURRENT_SOURCE_DIR})
    set(there ${CMAKE_CURRENT_BINARY_DIR})
    if(NOT BENCH_GO)
        bench_missing(${target} "no golang-go")
        return()
    endif()
    list(TRANSFORM arg_SOURCES PREPEND ${here}/ OUTPUT_VARIABLE files)
    add_custom_command(OUTPUT ${there}/${program}
        COMMAND ${CMAKE_COMMAND} -E env GO111MODULE=off GOFLAGS=
            GOCACHE=${there}/go/cache GOPATH=${there}/go CGO_ENABLED=0
            ${arg_ENVIRONMENT}
            ${BENCH_GO} build -o ${there}/${program} ${arg_SOURCES}
        DEPENDS ${files} ${arg_DEPENDS}
        WORKING_DIRECTORY ${here} VERBATIM)
    add_custom_target(${target} DEPENDS ${there}/${program})
endfunction()
