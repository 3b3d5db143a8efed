/* The life of a runtime in which one call is refused, and one such life for
 * each call of it. */
#ifndef TESTS_FAULTS_LIVES_H
#define TESTS_FAULTS_LIVES_H

#include <millrace/runtime.h>

#include "faults.h"
#include "hooks.h"
#include "test.h"

#include <unistd.h>

/* The nth of this name (NULL: of all), and all after it if `forever`. */
struct refusal {
    const char *call;
    int nth, error;
    bool forever;
    bool (*spared)(const char *call); /* as for faults_spare */
};

/* A runtime of two workers runs `root`, which returns *rc, and gives all of its
 * memory back. True: the call was reached. */
static inline bool refuse(const struct refusal *r, mr_fn root, int64_t *rc)
{
    mr_runtime *rt;
    mr_config config = {.size = sizeof config,
                        .workers = 2,
                        .allocate = allocate,
                        .release = release};
    blocks = bytes_out = 0;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    faults_spare(r->spared);
    faults_arm_call(r->call, r->nth, r->error, r->forever);
    *rc = mr_run(rt, root, NULL);
    bool hit = faults_disarm();
    faults_spare(NULL);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
    EXPECT_EQ(blocks, 0);
    EXPECT_EQ(bytes_out, 0);
    return hit;
}

/* A test's own: a refusal, and what must hold after it. */
typedef bool (*live_fn)(const char *call, int nth, int error, int64_t *rc);

/* The first to the last of them, up to `most`, in so many seconds. Those that
 * say with MR_EAGAIN that one has to wait are told so by the kernel alone: it
 * sends an event then. */
static inline void fail_each(live_fn live, const char *call, int error,
                             int most, unsigned seconds)
{
    int64_t rc;
    int nth = 1;
    alarm(seconds);
    for (; nth < most && live(call, nth, error, &rc); nth++)
        EXPECT_MSG(rc <= 0, "%s: %d", faults_last(), (int)rc);
    EXPECT(nth > 1);
    if (nth < most)
        EXPECT_EQ(rc, 0);
    alarm(0);
}

#endif
