/* Two version 1 cgroups, one in the other, below our own: to impose CPU quotas
 * on a child process. Needs the right to create groups there. */
#ifndef TESTS_SUPPORT_QUOTA_GROUPS_H
#define TESTS_SUPPORT_QUOTA_GROUPS_H

#include <stdbool.h>

typedef struct quota_groups {
    char base[2048]; /* our own group's directory */
    char outer[2200], inner[2300];
} quota_groups;

/* NULL, or why it is not possible here. Also removes what killed runs left. */
const char *quota_groups_open(quota_groups *groups);

/* Remove both; their processes are gone or about to go. */
bool quota_groups_close(const quota_groups *groups);

/* Both quotas in microseconds of a period of 100,000; -1: none. Version 1
 * refuses a child that has more than its parent at any moment. */
bool quota_groups_set(const quota_groups *groups, long outer, long inner);

/* In a child: move into the inner group. */
bool quota_groups_enter(const quota_groups *groups);

#endif
