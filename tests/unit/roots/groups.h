/* What /proc and /sys/fs/cgroup look like in the usual set-ups. root_hybrid
 * is recorded from a machine (with a quota added), the others are composed
 * from what the kernel prints: cgroup_show_path, cgroup-v2.rst and
 * sched-bwc.rst. */
#ifndef TESTS_UNIT_ROOTS_GROUPS_H
#define TESTS_UNIT_ROOTS_GROUPS_H

#include "root.h"

extern const fake_file root_v1[];           /* quota on our own group: 1.5 */
extern const fake_file root_v1_parent[];    /* parent tighter: 2 under 4 */
extern const fake_file root_v2[];           /* 2.5 on our own group */
extern const fake_file root_v2_parent[];    /* 0.5 two levels up, max below */
extern const fake_file root_v2_namespace[]; /* we are "/", quota 3 there */
extern const fake_file root_v2_outside[];   /* mount root above namespace */
extern const fake_file root_hybrid[];       /* cpu in v1, rest in v2 */
extern const fake_file root_docker_v1[];    /* mount root /docker/ID: 0.25 */
extern const fake_file root_docker_v2[];    /* bind-mounted sub-root: 1 */
extern const fake_file root_blanks[];       /* "/cg roup\t" as mount point */
extern const fake_file root_malformed[];    /* no line makes sense */

/* All of the above, ended by NULL. */
extern const fake_file *const root_all[];

#endif
