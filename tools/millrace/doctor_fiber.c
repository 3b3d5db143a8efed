/* The context switch: its kind and its cost. */
#include "doctor.h"
#include "measure.h"
#include "os/fiber.h"
#include "os/pages.h"

#include <string.h>

#define STACK_SIZE 65536
#define SWITCHES 100000

struct pair {
    mri_fiber thread, fiber;
};

/* Goes back at once, for ever. */
static void bounce(void *arg)
{
    struct pair *pair = arg;
    for (;;)
        mri_fiber_switch(&pair->fiber, &pair->thread);
}

static int switch_there_and_back(void *arg, int steps)
{
    struct pair *pair = arg;
    for (int i = 0; i < steps; i += 2)
        mri_fiber_switch(&pair->thread, &pair->fiber);
    return 0;
}

static int measure_switch(double *ns)
{
    struct pair pair;
    void *stack = NULL;
    int rc = mri_pages_map(&stack, STACK_SIZE);
    if (rc < 0)
        return rc;
    mri_fiber_of_thread(&pair.thread);
    mri_fiber_open(&pair.fiber, stack, STACK_SIZE, bounce, &pair);
    rc = measure(ns, switch_there_and_back, &pair, SWITCHES);
    mri_fiber_close(&pair.fiber);
    mri_fiber_close(&pair.thread);
    int unmapped = mri_pages_unmap(stack, STACK_SIZE);
    return rc < 0 ? rc : unmapped;
}

void doctor_fiber(report *r)
{
    double ns;
    const char *kind = mri_fiber_kind();
    report_section(r, "fiber");
    report_item(r, "kind", json_string(kind), "%s", kind);
    if (strcmp(kind, "ucontext") == 0) {
        report_means(r, "The portable fallback: every switch makes a system "
                        "call for the signal mask.");
        report_degraded(r);
    } else {
        report_means(r, "Switches in assembly, without a system call.");
    }
    int rc = measure_switch(&ns);
    if (rc < 0) {
        report_failed(r, "switch_ns", rc);
        return;
    }
    report_item(r, "switch_ns", json_real(ns), "%.1f ns", ns);
    report_means(r, "What a task pays to wait, and again to go on, besides "
                    "what it waits for.");
}
