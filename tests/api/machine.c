#define _GNU_SOURCE
#include <millrace/machine.h>

#include "test.h"

#include <sched.h>
#include <unistd.h>

TEST(machine, usable_cpus_lie_between_one_and_what_is_online)
{
    int usable = mr_usable_cpus();
    EXPECT(usable >= 1);
    EXPECT(usable <= sysconf(_SC_NPROCESSORS_ONLN));
}

TEST(machine, usable_cpus_are_the_same_when_asked_again)
{
    EXPECT_EQ(mr_usable_cpus(), mr_usable_cpus());
}

/* Criterion gives each test a process of its own; the plain runner does not,
 * so the mask is put back. */
TEST(machine, affinity_to_one_cpu_leaves_one)
{
    cpu_set_t before, one;
    EXPECT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    EXPECT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    int usable = mr_usable_cpus();
    EXPECT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
    EXPECT_EQ(usable, 1);
}
