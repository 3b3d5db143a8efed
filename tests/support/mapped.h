/* How much address space this process has mapped, to see whether something
 * was left behind. From /proc/self/maps and not from statm: under qemu-user
 * the one tells of the program, the other of the emulator, which maps memory
 * for itself as it goes. Call it once before it is relied on: the first call
 * may allocate. */
#ifndef TESTS_SUPPORT_MAPPED_H
#define TESTS_SUPPORT_MAPPED_H

#include "test.h"

static inline long mapped_kib(void)
{
    char line[512];
    unsigned long long from, to, bytes = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    EXPECT(maps != NULL);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
            bytes += to - from;
    fclose(maps);
    return (long)(bytes / 1024);
}

#endif
