/* How much address space this process has mapped, to see whether something
 * was left behind; and how many mappings it may still make. */
#ifndef TESTS_SUPPORT_MAPPED_H
#define TESTS_SUPPORT_MAPPED_H

#include "os/pages.h"
#include "slow.h"
#include "test.h"

/* From /proc/self/maps and not from statm: under qemu-user the one tells of
 * the program, the other of the emulator, which maps memory for itself as it
 * goes. Call it once before it is relied on: the first call may allocate. */
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

/* Mappings that a test can use up, or -1 where it cannot: the system does not
 * tell, or has too many; or there is a sanitizer, which maps memory of its own
 * and dies without. */
static inline int64_t mappings_to_spend(void)
{
    int64_t budget = mri_map_budget();
    return slow_is_sanitized() || budget > 1000000 ? -1 : budget;
}

#endif
