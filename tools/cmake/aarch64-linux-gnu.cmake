# Cross-build for AArch64 with Debian's gcc-aarch64-linux-gnu; the tests run
# under qemu-aarch64 of its package qemu-user. The preset "aarch64" uses it.
#
# This shows that the assembly is right. It shows nothing about memory
# ordering: the emulator runs on x86-64, whose stronger order hides what a
# real AArch64 machine would do. Orders are the model checker's business.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)

set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

find_program(MILLRACE_QEMU_AARCH64 NAMES qemu-aarch64 qemu-aarch64-static)
if(MILLRACE_QEMU_AARCH64)
    set(CMAKE_CROSSCOMPILING_EMULATOR
        "${MILLRACE_QEMU_AARCH64};-L;/usr/aarch64-linux-gnu")
endif()
