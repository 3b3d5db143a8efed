/* A directory that stands for "/" where src/os reads /proc and /sys. */
#ifndef TESTS_UNIT_ROOTS_ROOT_H
#define TESTS_UNIT_ROOTS_ROOT_H

#include <stddef.h>

typedef struct fake_root {
    char dir[256];
} fake_root;

/* A file below it; an array of them ends with path NULL. */
typedef struct fake_file {
    const char *path, *text;
} fake_file;

/* A machine made of equal parts, for fake_root_topology. Hardware threads of
 * a core are numbered as on x86: all first threads, then all second ones. */
typedef struct fake_machine {
    int packages, cores, threads; /* cores per package, threads per core */
    int l3_cores;                 /* cores that share an L3; 0: no L3 */
    int l2_cores;                 /* the same for L2 */
    int nodes;                    /* per package; 0: no NUMA in the kernel */
} fake_machine;

/* In a fresh temporary directory. Each ends the test program on failure. */
void fake_root_open(fake_root *root);
void fake_root_close(fake_root *root); /* removes it */
void fake_root_put(const fake_root *root, const char *text, const char *path,
                   ...) __attribute__((format(printf, 3, 4)));
void fake_root_put_all(const fake_root *root, const fake_file *files);
void fake_root_remove(const fake_root *root, const char *path);
void fake_root_topology(const fake_root *root, const fake_machine *machine);

/* Where such a machine has its CPU: what mri_cpu must say about `id`. */
int fake_machine_core(const fake_machine *machine, int id);
int fake_machine_first_with(const fake_machine *machine, int id, int cores);
int fake_machine_package(const fake_machine *machine, int id);

#endif
