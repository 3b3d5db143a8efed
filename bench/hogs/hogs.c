/* See hogs.h. */
#define _GNU_SOURCE
#include "hogs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAVY_NS 20000000 /* of CPU */
#define HEAVY_ONE_IN 100

static int64_t *handed_in, *waited; /* by task; a heavy one waits -1 */
static uint64_t tasks, ran;
static uint64_t seed = UINT64_C(88172645463325252);

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) / (double)(UINT64_C(1) << 53);
}

static void count_one(void)
{
    __atomic_fetch_add(&ran, 1, __ATOMIC_RELEASE);
}

void hogs_light(uint64_t i)
{
    waited[i] = read_clock(CLOCK_MONOTONIC) - handed_in[i];
    count_one();
}

void hogs_heavy(void)
{
    int64_t until = read_clock(CLOCK_THREAD_CPUTIME_ID) + HEAVY_NS;
    while (read_clock(CLOCK_THREAD_CPUTIME_ID) < until)
        for (volatile int i = 0; i < 5000; i++)
            continue;
    count_one();
}

static void sleep_until(int64_t at)
{
    struct timespec t = {at / 1000000000, at % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        continue;
}

static void open_run(uint64_t n)
{
    free(handed_in);
    free(waited);
    handed_in = malloc(n * sizeof *handed_in);
    waited = malloc(n * sizeof *waited);
    if (!handed_in || !waited)
        abort();
    tasks = n;
    __atomic_store_n(&ran, 0, __ATOMIC_RELEASE);
}

void hogs_run(double rate, uint64_t n, hogs_hand_in *hand_in)
{
    open_run(n);
    double at = (double)read_clock(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < n; i++) {
        /* Exponential: those who come know nothing of each other. */
        at += -log(1 - next_random()) / rate * 1e9;
        int heavy = next_random() * HEAVY_ONE_IN < 1;
        sleep_until((int64_t)at);
        waited[i] = -1;
        handed_in[i] = read_clock(CLOCK_MONOTONIC);
        hand_in(i, heavy);
    }
    while (__atomic_load_n(&ran, __ATOMIC_ACQUIRE) < n)
        sleep_until(read_clock(CLOCK_MONOTONIC) + 1000000);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

double hogs_waited(double q)
{
    uint64_t heavy = 0;
    qsort(waited, tasks, sizeof *waited, compare);
    while (heavy < tasks && waited[heavy] < 0)
        heavy++;
    uint64_t light = tasks - heavy;
    if (light == 0)
        return -1;
    uint64_t i = (uint64_t)(q * (double)light);
    return (double)waited[heavy + (i < light ? i : light - 1)];
}
