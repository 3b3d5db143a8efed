/* The load that responders are measured by: connections of one process, one
 * thread, and the clocks around them. load_run.c drives them, load.c reads the
 * arguments, keeps idle connections beside, and reports.
 *
 * Must not know: which responder.
 */
#ifndef BENCH_HTTP_LOAD_H
#define BENCH_HTTP_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Histograms ---------------------------------------------------------
 * Of nanoseconds: 128 buckets to each power of two, so that what is read is
 * at most 0.8% above what was written. */

struct histogram {
    uint64_t count, most;
    uint64_t buckets[58][128];
};

void histogram_add(struct histogram *h, int64_t ns);

/* What `part` of them is no longer than. */
double histogram_at(const struct histogram *h, double part);

/* ---- A run -------------------------------------------------------------- */

enum { MOST_SERVERS = 64, MOST_PIPELINE = 32 };

struct load_options {
    uint16_t port;
    int servers[MOST_SERVERS], server_count; /* process ids */
    int connections, idle, pipeline;
    double seconds, warmup;
    double rate;  /* requests a second; 0: a closed loop */
    double heavy; /* of them, from 0 to 1 */
    const char *path;
    uint64_t seed;
    bool learn; /* what an answer is, the server's first says */
};

/* What answers must be, byte for byte, but for a hole where the time stands. */
struct load_answer {
    char text[1024];
    size_t size, hole, hole_end;
};

struct load_result {
    struct histogram light, heavy;
    struct histogram late; /* how long after it was due a request was sent */
    uint64_t requests, wrong, dropped, unanswered;
    double seconds, server_cpu, generator_cpu; /* of what is measured */
};

extern struct load_answer load_expected;

int64_t load_now(void);

/* Says why, and ends with 3: the measurement was not possible. */
void load_fail(const char *what);

/* A connection that blocks. */
int load_connect(uint16_t port);

/* Its request, and how long it is. */
size_t load_request(char *out, size_t size, const char *path);

/* Whether these n bytes, from `at` of an answer on, are right. */
bool load_right(size_t at, const char *data, size_t n);

/* CPU seconds of all of the servers so far, of threads that have ended too. */
double load_server_cpu(const struct load_options *o);

/* For connections that block: a request, whose failure the answer shows; and
 * whether the answer came and was right. */
void load_ask(int fd, const char *path);
bool load_answered(int fd);

/* Each connection asks again when it has its answer. */
void load_closed(const struct load_options *o, struct load_result *r);

/* Requests are due at times that nobody's answers change; one that finds no
 * free connection waits for one, and its latency counts from when it was due.
 */
void load_open(const struct load_options *o, struct load_result *r);

/* ---- Idle connections --------------------------------------------------- */

struct load_idle {
    int *fds;
    /* What the servers hold in memory without them, with them, and when each
     * has been answered once. */
    long before_kib, connected_kib, served_kib;
    uint64_t lost; /* not answered, or wrongly */
};

void load_idle_open(const struct load_options *o, struct load_idle *idle);

/* Asks each once more. */
void load_idle_close(const struct load_options *o, struct load_idle *idle);

#endif
