/* Which CPUs share a core, a cache, a socket, a memory node: from sysfs.
 *
 * Must not know: which of them anybody uses.
 */
#ifndef MRI_OS_TOPOLOGY_H
#define MRI_OS_TOPOLOGY_H

#include "os/cpus.h"

/* Fill core, l2, l3, package and node of the `count` entries at `cpu`, which
 * are sorted by id; what the system does not tell becomes -1. *online: CPUs
 * of the machine that are online, or -1. Below `root` ("" or NULL: live).
 * 0, or the code of a read that failed. */
MRI_CHECKED int mri_topology_read(mri_cpu *cpu, int count, int *online,
                                  const char *root);

#endif
