/* A fiber on a stack of its own, for the tests of fibers.
 *
 * What runs on a fiber never EXPECTs: a failed one would have to leave from a
 * stack that is not the test's. It notes what it saw, the test looks later.
 */
#ifndef TESTS_UNIT_FIBER_GUEST_H
#define TESTS_UNIT_FIBER_GUEST_H

#include "os/fiber.h"
#include "os/pages.h"
#include "test.h"

#define STACK_SIZE ((size_t)65536)

/* A fiber, its stack, who it goes back to, and what it notes. */
struct guest {
    mri_fiber fiber, *home;
    void *stack;
    size_t size;
    int64_t in, out;
};

static inline void guest_open(struct guest *g, mri_fiber *home,
                              mri_fiber_entry entry)
{
    *g = (struct guest){.home = home, .size = STACK_SIZE};
    EXPECT_EQ(mri_pages_map(&g->stack, g->size), 0);
    mri_fiber_open(&g->fiber, g->stack, g->size, entry, g);
}

static inline void guest_close(struct guest *g)
{
    mri_fiber_close(&g->fiber);
    EXPECT_EQ(mri_pages_unmap(g->stack, g->size), 0);
}

static inline void go_home(struct guest *g)
{
    mri_fiber_switch(&g->fiber, g->home);
}

static inline void count_up(void *arg)
{
    struct guest *g = arg;
    for (;;) {
        g->out += g->in;
        go_home(g);
    }
}

#endif
