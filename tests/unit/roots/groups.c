/* See groups.h. */
#include "groups.h"

#define CGROUP "/proc/self/cgroup"
#define MOUNTS "/proc/self/mountinfo"

#define PROC_MOUNT "22 28 0:21 / /proc rw,nosuid,nodev,noexec - proc proc rw\n"
#define SYS_MOUNT                                                              \
    "23 28 0:22 / /sys rw,nosuid,nodev shared:7 - sysfs sysfs rw\n"
#define ROOT_MOUNT "28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define V2_MOUNT                                                               \
    "35 23 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 "        \
    "rw,nsdelegate\n"

#define V1_CPU "/sys/fs/cgroup/cpu,cpuacct"
#define V1_MOUNTS                                                              \
    ROOT_MOUNT PROC_MOUNT SYS_MOUNT                                            \
        "30 23 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro\n"    \
        "33 30 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"    \
        "34 30 0:30 / " V1_CPU " rw,nosuid shared:16 master:3 - cgroup "       \
        "cgroup rw,cpu,cpuacct\n"                                              \
        "36 30 0:31 / /sys/fs/cgroup/cpuacct-like rw - cgroup cgroup "         \
        "rw,name=cpu\n"

const fake_file root_v1[] = {
    {CGROUP, "12:cpuset:/\n"
             "5:cpu,cpuacct:/system.slice/mill.service\n"
             "1:name=systemd:/system.slice/mill.service\n"},
    {MOUNTS, V1_MOUNTS},
    {V1_CPU "/system.slice/mill.service/cpu.cfs_quota_us", "150000\n"},
    {V1_CPU "/system.slice/mill.service/cpu.cfs_period_us", "100000\n"},
    {V1_CPU "/system.slice/cpu.cfs_quota_us", "-1\n"},
    {V1_CPU "/system.slice/cpu.cfs_period_us", "100000\n"},
    {V1_CPU "/cpu.cfs_quota_us", "-1\n"},
    {V1_CPU "/cpu.cfs_period_us", "100000\n"},
    {NULL, NULL},
};

const fake_file root_v1_parent[] = {
    {CGROUP, "4:cpuacct,cpu:/batch/night/job7\n"},
    {MOUNTS, V1_MOUNTS},
    {V1_CPU "/batch/night/job7/cpu.cfs_quota_us", "400000\n"},
    {V1_CPU "/batch/night/job7/cpu.cfs_period_us", "100000\n"},
    {V1_CPU "/batch/night/cpu.cfs_quota_us", "100000\n"},
    {V1_CPU "/batch/night/cpu.cfs_period_us", "50000\n"},
    {V1_CPU "/batch/cpu.cfs_quota_us", "600000\n"},
    {V1_CPU "/batch/cpu.cfs_period_us", "100000\n"},
    {NULL, NULL},
};

const fake_file root_v2[] = {
    {CGROUP, "0::/user.slice/user-1000.slice/session-3.scope\n"},
    {MOUNTS, ROOT_MOUNT PROC_MOUNT SYS_MOUNT V2_MOUNT},
    {"/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope/cpu.max",
     "250000 100000\n"},
    {"/sys/fs/cgroup/user.slice/user-1000.slice/cpu.max", "max 100000\n"},
    {"/sys/fs/cgroup/user.slice/cpu.max", "max 100000\n"},
    {NULL, NULL},
};

const fake_file root_v2_parent[] = {
    {CGROUP, "0::/kubepods/pod9/box\n"},
    {MOUNTS, ROOT_MOUNT PROC_MOUNT SYS_MOUNT V2_MOUNT},
    {"/sys/fs/cgroup/kubepods/pod9/box/cpu.max", "max 100000\n"},
    {"/sys/fs/cgroup/kubepods/pod9/cpu.max", "300000 100000\n"},
    {"/sys/fs/cgroup/kubepods/cpu.max", "50000 100000\n"},
    {NULL, NULL},
};

const fake_file root_v2_namespace[] = {
    {CGROUP, "0::/\n"},
    {MOUNTS, ROOT_MOUNT PROC_MOUNT SYS_MOUNT V2_MOUNT},
    {"/sys/fs/cgroup/cpu.max", "300000 100000\n"},
    {NULL, NULL},
};

/* After `unshare --cgroup` without a new mount: our group's name in the mount
 * cannot be known, that the mount's root is above us can. */
const fake_file root_v2_outside[] = {
    {CGROUP, "0::/inner\n"},
    {MOUNTS, ROOT_MOUNT "35 23 0:30 /../.. /sys/fs/cgroup rw - cgroup2 "
                        "cgroup2 rw\n"},
    {"/sys/fs/cgroup/cpu.max", "700000 100000\n"},
    {"/sys/fs/cgroup/inner/cpu.max", "100000 100000\n"},
    {NULL, NULL},
};

const fake_file root_hybrid[] = {
    {CGROUP, "9:name=systemd:/\n"
             "8:pids:/\n"
             "7:blkio:/\n"
             "6:freezer:/\n"
             "5:devices:/\n"
             "4:memory:/process_api/6cdb401c69ee2300fc056b2e0d17d1e7\n"
             "3:cpuset:/\n"
             "2:cpuacct:/\n"
             "1:cpu:/mill\n"
             "0::/\n"},
    {MOUNTS,
     "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
     "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
     "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup "
     "rw,cpuacct\n"
     "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup "
     "rw,cpuset\n"
     "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup "
     "rw,name=systemd\n"
     "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"},
    {"/sys/fs/cgroup/cpu/mill/cpu.cfs_quota_us", "350000\n"},
    {"/sys/fs/cgroup/cpu/mill/cpu.cfs_period_us", "100000\n"},
    {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
    {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
    {NULL, NULL},
};

/* The host's namespace, the container's sub-tree mounted, and beside it the
 * same controller with the sub-tree of somebody else. */
const fake_file root_docker_v1[] = {
    {CGROUP, "7:cpu,cpuacct:/docker/4f5e\n"},
    {MOUNTS, "600 590 0:29 /docker/4f5e " V1_CPU
             " ro,nosuid master:16 - cgroup  rw,cpu,cpuacct\n"
             "601 590 0:29 /docker/4f /srv/other rw - cgroup c rw,cpu\n"},
    {V1_CPU "/cpu.cfs_quota_us", "25000\n"},
    {V1_CPU "/cpu.cfs_period_us", "100000\n"},
    {V1_CPU "/docker/4f5e/cpu.cfs_quota_us", "1000\n"},
    {V1_CPU "/docker/4f5e/cpu.cfs_period_us", "100000\n"},
    {"/srv/other/cpu.cfs_quota_us", "2000\n"},
    {"/srv/other/cpu.cfs_period_us", "100000\n"},
    {NULL, NULL},
};

const fake_file root_docker_v2[] = {
    {CGROUP, "0::/docker/4f5e/worker\n"},
    {MOUNTS, "600 590 0:29 /docker/4f5e /sys/fs/cgroup ro - cgroup2 cg rw\n"},
    {"/sys/fs/cgroup/worker/cpu.max", "200000 100000\n"},
    {"/sys/fs/cgroup/cpu.max", "100000 100000\n"},
    {NULL, NULL},
};

const fake_file root_blanks[] = {
    {CGROUP, "0::/a b/c\\d:e\n"},
    {MOUNTS, "35 23 0:30 /a\\040b /cg\\040roup\\011 rw - cgroup2 x rw\n"},
    {"/cg roup\t/c\\d:e/cpu.max", "max 100000\n"},
    {"/cg roup\t/cpu.max", "120000 100000\n"},
    {NULL, NULL},
};

const fake_file root_malformed[] = {
    {CGROUP, "\n:\n::\n0:\n0::relative\nnot a line\n5:cpu\n3:cpu:/x\n0::/x"},
    {MOUNTS, "\n\n1 2 3\n - \n1 2 3 / /sys rw\n1 2 3 / /sys rw -\n"
             "1 2 3 / /sys rw - cgroup2\n1 2 3 root /sys rw - cgroup2 x y\n"
             "1 2 3 / /v2 rw - cgroup2 x y\n1 2 3 / /v1 rw - cgroup x cpu\n"
             "1 2 3 / /v2b rw - cgroup2 x y\n1 2 3 \\04 \\ rw - cgroup2 x y"},
    {"/v2/x/cpu.max", "max\n"},
    {"/v2/cpu.max", "100000\n"},
    {"/v2b/x/cpu.max", "0 100000\n"},
    {"/v2b/cpu.max", "100000 0\n"},
    {"/v1/x/cpu.cfs_quota_us", "100000 100000\n"},
    {"/v1/x/cpu.cfs_period_us", "100000\n"},
    {"/v1/cpu.cfs_quota_us", "100000\n"},
    {"/v1/cpu.cfs_period_us", "99999999999999999999\n"},
    {NULL, NULL},
};

const fake_file *const root_all[] = {
    root_v1,           root_v1_parent,  root_v2,        root_v2_parent,
    root_v2_namespace, root_v2_outside, root_hybrid,    root_docker_v1,
    root_docker_v2,    root_blanks,     root_malformed, NULL,
};
