# PkgConfig::SQLITE; PkgConfig::POSTGRES, and MILLRACE_WITH_POSTGRES: the words
# that run a command beside a server. What is missing is said.
find_package(PkgConfig REQUIRED)
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
pkg_check_modules(SQLITE IMPORTED_TARGET sqlite3)
if(NOT SQLITE_FOUND)
    message(WARNING "no tests with SQLite (Debian: libsqlite3-dev)")
endif()

pkg_check_modules(POSTGRES IMPORTED_TARGET libpq)
file(GLOB places /usr/lib/postgresql/*/bin)
list(SORT places COMPARE NATURAL ORDER DESCENDING)
find_program(MILLRACE_POSTGRES NAMES postgres HINTS ${places})
if(POSTGRES_FOUND AND MILLRACE_POSTGRES)
    cmake_path(GET MILLRACE_POSTGRES PARENT_PATH place)
    set(MILLRACE_WITH_POSTGRES ${Python3_EXECUTABLE}
        ${CMAKE_CURRENT_SOURCE_DIR}/db/with_postgres.py ${place})
else()
    message(WARNING "no tests with PostgreSQL (Debian: libpq-dev, postgresql)")
endif()
