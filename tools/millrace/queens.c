/* `millrace queens`: how well this machine computes in parallel. Counts the
 * ways to place n queens, a task for each that fits, with one worker and with
 * all, and compares with the ceiling: as many separate processes with one
 * worker each, at the same time, which share nothing but the machine. */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <millrace.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char command_queens_usage[] =
    "usage: millrace queens [N [WORKERS]]\n"
    "\n"
    "Counts the ways to place N queens (4 to 16 [13]) on a board, a task for\n"
    "each that fits, with one worker and with all [one per usable CPU]; says\n"
    "how much faster all are, and how near that is to as many processes that\n"
    "do not share anything.\n"
    "\n"
    "Exit status: 0 counted; 2 wrong usage; 3 a count was wrong, or something\n"
    "could not be started.\n";

enum { LEAST = 4, MOST = 16, ROUNDS = 3 };

/* OEIS A000170, from LEAST on. */
static const int64_t known[] = {
    2, 10, 4, 40, 92, 352, 724, 2680, 14200, 73712, 365596, 2279184, 14772512};

/* Rows above: which columns and diagonals they hold in the next row. */
struct board {
    unsigned all, columns, left, right;
};

struct count {
    int64_t ways, tasks;
};

MR_FORKABLE(struct count, count, struct board, b)
{
    struct count sum = {0, 1};
    int children = 0;
    unsigned free = b.all & ~(b.columns | b.left | b.right);
    if (b.columns == b.all)
        return (struct count){1, 1};
    MR_CHILDREN(count, child, MOST);
    for (; free != 0; free &= free - 1) {
        unsigned queen = free & -free;
        struct board next = {b.all, b.columns | queen, (b.left | queen) << 1,
                             (b.right | queen) >> 1};
        MR_SPAWN_AT(count, child, children, next);
        children++;
    }
    while (children-- > 0) {
        struct count below = MR_AWAIT_AT(count, child, children);
        sum.ways += below.ways;
        sum.tasks += below.tasks;
    }
    return sum;
}

struct run {
    int n;
    struct count count;
};

static int64_t root(void *arg)
{
    struct run *run = arg;
    run->count = count((struct board){(1U << run->n) - 1, 0, 0, 0});
    return 0;
}

/* Nanoseconds of the shortest of some runs, or a negative code. */
static int64_t timed(struct run *run, unsigned workers)
{
    mr_config config = {.size = sizeof config, .workers = workers};
    mr_runtime *rt;
    int64_t best = MR_NEVER;
    int rc = mr_start(&rt, &config);
    for (int i = 0; rc == 0 && i < ROUNDS; i++) {
        int64_t start = mr_now();
        rc = (int)mr_run(rt, root, run);
        int64_t took = mr_now() - start;
        best = took < best ? took : best;
    }
    if (rc == 0)
        rc = mr_stop(rt, MR_NEVER);
    return rc < 0 ? rc : best;
}

/* In each of so many processes. The longest of them, or a negative code. */
static int64_t apart(int n, unsigned processes)
{
    int pipes[2];
    int64_t longest = 0;
    unsigned begun = 0;
    if (pipe(pipes) < 0)
        return -errno;
    fflush(stdout);
    for (; begun < processes; begun++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct run run = {.n = n};
            int64_t took = timed(&run, 1);
            _exit(write(pipes[1], &took, sizeof took) != sizeof took);
        }
        if (pid < 0) {
            longest = -errno;
            break;
        }
    }
    close(pipes[1]);
    for (unsigned i = 0; i < begun; i++) {
        int64_t took;
        int status;
        if (read(pipes[0], &took, sizeof took) != sizeof took)
            took = MR_EIO;
        if (longest >= 0)
            longest = took < 0 || took > longest ? took : longest;
        wait(&status);
    }
    close(pipes[0]);
    return longest;
}

static bool number(const char *text, long least, long most, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (*text && !*end && errno == 0 && *out >= least && *out <= most)
        return true;
    fprintf(stderr,
            "millrace queens: '%s' is not from %ld to %ld; 'millrace help "
            "queens' tells more\n",
            text, least, most);
    return false;
}

static int failed(int64_t code)
{
    fprintf(stderr, "millrace queens: %s\n", mr_strerror(code));
    return EXIT_FAILED;
}

/* Millions of tasks a second. */
static double rate(const struct run *run, int64_t ns)
{
    return (double)run->count.tasks * 1e3 / (double)ns;
}

static int report(struct run *run, unsigned workers)
{
    /* Before any thread of ours exists, which a fork would leave behind. */
    int64_t ceiling = apart(run->n, workers);
    int64_t alone = ceiling < 0 ? ceiling : timed(run, 1);
    int64_t all = alone < 0 ? alone : timed(run, workers);
    if (all < 0)
        return failed(all);
    printf("%d queens: %" PRId64 " ways, %" PRId64 " tasks\n", run->n,
           run->count.ways, run->count.tasks);
    if (run->count.ways != known[run->n - LEAST]) {
        fprintf(stderr, "millrace queens: it should be %" PRId64 "\n",
                known[run->n - LEAST]);
        return EXIT_FAILED;
    }
    printf("1 worker            %8.1f million tasks a second\n",
           rate(run, alone));
    printf("%-4u workers        %8.1f, %.2f times as many\n", workers,
           rate(run, all), (double)alone / (double)all);
    printf("%-4u processes apart%8.1f: %.2f of this ceiling is reached\n",
           workers, rate(run, ceiling) * workers,
           (double)ceiling / (double)all / workers);
    return EXIT_WELL;
}

int command_queens(int argc, char **argv)
{
    long n = 13, workers = 0;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(command_queens_usage, stdout);
        return EXIT_WELL;
    }
    if ((argc > 1 && !number(argv[1], LEAST, MOST, &n)) ||
        (argc > 2 && !number(argv[2], 1, 1024, &workers)))
        return EXIT_USAGE;
    if (argc > 3) {
        fprintf(stderr,
                "millrace queens: unexpected argument '%s'; 'millrace help "
                "queens' tells more\n",
                argv[3]);
        return EXIT_USAGE;
    }
    if (workers == 0)
        workers = mr_usable_cpus();
    if (workers < 0)
        return failed(workers);
    struct run run = {.n = (int)n};
    return report(&run, (unsigned)workers);
}
