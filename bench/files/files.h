/* Reads of a file whose contents the kernel has in memory: a file, the bare
 * system calls in a loop, and what all programs of this comparison share.
 * Offsets are drawn at random, multiples of the size that is read, by the same
 * rule everywhere.
 *
 * Must not know: any scheduler.
 */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

#include <stddef.h>
#include <stdint.h>

#define FILES_SIZE INT64_C(67108864)
#define FILES_SEED UINT64_C(88172645463325252)
enum { FILES_MOST = 65536, FILES_WORKERS = 2 };

/* What is read by each: `size` bytes somewhere in the first `span`. */
struct files_load {
    int workers;
    uint64_t size, span;
};

/* Of one read, in ns: processor time of all threads of the process, in the
 * kernel too, and time that went by. */
struct files_cost {
    double cpu, wall;
};

enum files_call {
    FILES_PREAD,
    FILES_PREADV2,        /* without flags */
    FILES_PREADV2_NOWAIT, /* that does not wait for a disk */
};

/* A file of that size, all of it in memory; the program ends where there is no
 * room. */
void files_open(void);
const char *files_path(void);
void files_close(void);

struct files_cost files_now(void);
struct files_cost files_since(struct files_cost begin, uint64_t reads);

/* n reads by so many threads as there are workers, a share each. */
struct files_cost files_calls(enum files_call call, struct files_load load,
                              uint64_t n);

/* xorshift, Marsaglia 2003. */
static inline int64_t files_offset(uint64_t *seed, struct files_load load)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (int64_t)(*seed % (load.span / load.size) * load.size);
}

#endif
