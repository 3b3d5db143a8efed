/* Where the workers' time goes, for --stats.
 *
 * What a worker spends in our tasks lies between sum_stats_begin and _end. Both
 * read the clock of the wall and that of the thread's CPU time, so of each
 * worker there is known
 *     running    CPU time in our tasks
 *     waiting    time in our tasks without the CPU: in a system call that
 *                waits for a disk, or because the kernel ran somebody else
 *     stealing   CPU time outside of our tasks, the scheduler's own: looking
 *                for work, taking it, going to sleep
 *     idle       all the rest: asleep, or the scheduler without the CPU
 * and that is what is said, no more.
 *
 * A call that may park the task stands between sum_stats_pause and _resume.
 * What it took counts as before where it did not: where the worker from which
 * it was called has seen neither a park nor a yield meanwhile, which only tasks
 * on it can add to. Else the worker was given away: it is the task that waited,
 * which is counted as `parked`, and the little that it did before and after
 * looks like the scheduler's.
 */
#ifndef MILLRACE_SUM_STATS_H
#define MILLRACE_SUM_STATS_H

#include <jansson.h>
#include <millrace.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* One per worker, spares too: its thread's alone, until all has ended. */
typedef struct sum_seat {
    bool used;
    clockid_t clock;         /* of the thread's CPU time */
    int64_t wall_at, cpu_at; /* of the last begin */
    int64_t wall, cpu;       /* between begins and ends, ns */
    int64_t parked;          /* waits that tasks have ended here, ns */
    int64_t all_cpu;         /* of the thread; when all has ended */
} __attribute__((aligned(64))) sum_seat;

typedef struct sum_stats {
    bool on;
    unsigned workers, seats; /* those behind are of spares */
    int64_t started, took;   /* ns */
    sum_seat *seat;
} sum_stats;

/* 0 or MR_ENOMEM. */
int sum_stats_open(sum_stats *s, bool on, unsigned workers);
void sum_stats_close(sum_stats *s);

/* In a task. Nothing where it is not on. */
void sum_stats_begin(sum_stats *s);
void sum_stats_end(sum_stats *s);

typedef struct sum_mark {
    const struct mri_worker *worker;
    uint64_t parks, yields; /* of it */
    int64_t wall, cpu;
} sum_mark;

/* Whether the task was parked in between is told where nothing else is on. */
void sum_stats_pause(sum_stats *s, sum_mark *mark);
bool sum_stats_resume(sum_stats *s, const sum_mark *mark);

/* Seconds that tasks have waited without a worker, all together. */
double sum_stats_parked(const sum_stats *s);

/* All tasks have ended, their threads have not. */
void sum_stats_stop(sum_stats *s);

/* For people, on stderr; as JSON, or NULL without memory. */
void sum_stats_print(const sum_stats *s, mr_runtime *rt);
json_t *sum_stats_json(const sum_stats *s, mr_runtime *rt);

#endif
