/* See faults.h. All of it is atomic: a scenario may run threads, and be armed
 * while they run. */
#include "faults.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

int mri_fault(const char *call);

static struct {
    const char *_Atomic only; /* NULL: any call counts */
    atomic_int nth, error;
    atomic_bool forever;
    atomic_bool armed;
    atomic_int seen, hit;
    const char *_Atomic last;
    void (*_Atomic before)(const char *call);
    bool (*_Atomic spared)(const char *call);
} faults;

void faults_arm_call(const char *call, int nth, int error, bool forever)
{
    faults.armed = false;
    faults.only = call;
    faults.nth = nth;
    faults.error = error;
    faults.forever = forever;
    faults.seen = 0;
    faults.hit = 0;
    faults.last = NULL;
    faults.armed = true;
}

void faults_arm(int nth, int error)
{
    faults_arm_call(NULL, nth, error, false);
}

bool faults_disarm(void)
{
    faults.armed = false;
    return faults.hit > 0;
}

void faults_before(void (*step)(const char *call))
{
    faults.before = step;
}

void faults_spare(bool (*spared)(const char *call))
{
    faults.spared = spared;
}

const char *faults_last(void)
{
    return faults.last;
}

int faults_count(void)
{
    return faults.seen;
}

int mri_fault(const char *call)
{
    void (*before)(const char *) = faults.before;
    if (before)
        before(call);
    if (!faults.armed)
        return 0;
    const char *only = faults.only;
    bool (*spared)(const char *) = faults.spared;
    if ((only && strcmp(only, call) != 0) || (spared && spared(call)))
        return 0;
    int seen = ++faults.seen;
    if (faults.forever ? seen < faults.nth : seen != faults.nth)
        return 0;
    faults.hit++;
    faults.last = call;
    return faults.error;
}
