/* Who is near whom on made-up machines, and that who steals asks them first. */
#include "sched/places.h"

#include "sched/runtime.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

struct machine {
    mri_cpu cpu[MOST];
    mri_cpus cpus;
    mri_places places;
    int keys[MOST * MRI_PLACES_LEVELS];
};

/* CPUs 0 to count - 1, of which l2 share an L2 and so on; 0: not told. */
static void open(struct machine *m, int count, int l2, int l3, int node,
                 int package)
{
    for (int i = 0; i < count; i++)
        m->cpu[i] = (mri_cpu){.id = i,
                              .core = i,
                              .l2 = l2 ? i / l2 * l2 : -1,
                              .l3 = l3 ? i / l3 * l3 : -1,
                              .node = node ? i / node : -1,
                              .package = package ? i / package : -1};
    m->cpus = (mri_cpus){.affinity = count, .cpu = m->cpu};
    EXPECT(mri_places_size(&m->cpus) <= sizeof m->keys);
    mri_places_open(&m->places, &m->cpus, m->keys);
}

TEST(places, one_cache_for_all_makes_nobody_near)
{
    static struct machine m;
    open(&m, 2, 1, 2, 2, 2);
    EXPECT_EQ(m.places.levels, 0);
    open(&m, 64, 1, 64, 64, 64);
    EXPECT_EQ(m.places.levels, 0);
    open(&m, 1, 1, 1, 1, 1);
    EXPECT_EQ(m.places.levels, 0);
}

TEST(places, a_machine_that_tells_nothing_makes_nobody_near)
{
    static struct machine m;
    open(&m, 8, 0, 0, 0, 0);
    EXPECT_EQ(m.places.levels, 0);
    EXPECT(!mri_places_near(&m.places, 0, 0, 1));
}

TEST(places, levels_that_say_the_same_are_one)
{
    static struct machine m;
    open(&m, 32, 1, 8, 16, 16);
    EXPECT_EQ(m.places.levels, 2);
    EXPECT(mri_places_near(&m.places, 0, 0, 7));
    EXPECT(!mri_places_near(&m.places, 0, 7, 8));
    EXPECT(mri_places_near(&m.places, 1, 7, 8));
    EXPECT(!mri_places_near(&m.places, 1, 15, 16));
}

TEST(places, four_levels_each_wider)
{
    static struct machine m;
    open(&m, 64, 2, 8, 16, 32);
    EXPECT_EQ(m.places.levels, 4);
    for (uint32_t level = 0; level < 4; level++) {
        int size = (int[]){2, 8, 16, 32}[level];
        for (int a = 0; a < 64; a++)
            for (int b = 0; b < 64; b++)
                EXPECT_EQ(mri_places_near(&m.places, level, a, b),
                          a / size == b / size);
    }
}

TEST(places, cpus_that_are_not_known_are_near_nobody)
{
    static struct machine m;
    open(&m, 8, 2, 0, 0, 0);
    EXPECT_EQ(m.places.levels, 1);
    EXPECT(mri_places_near(&m.places, 0, 0, 1));
    EXPECT(!mri_places_near(&m.places, 0, -1, -1));
    EXPECT(!mri_places_near(&m.places, 0, 0, -1));
    EXPECT(!mri_places_near(&m.places, 0, 8, 9));
}

TEST(places, cpus_outside_the_mask_leave_gaps_that_are_near_nobody)
{
    static struct machine m;
    open(&m, 8, 4, 0, 0, 0);
    for (int i = 0; i < 4; i++)
        m.cpu[i] = m.cpu[i * 2 + 1];
    m.cpus.affinity = 4;
    mri_places_open(&m.places, &m.cpus, m.keys);
    EXPECT_EQ(m.places.levels, 1);
    EXPECT(mri_places_near(&m.places, 0, 1, 3));
    EXPECT(!mri_places_near(&m.places, 0, 3, 5));
    EXPECT(!mri_places_near(&m.places, 0, 2, 2));
}

/* ---- Stealing ----------------------------------------------------------- */

enum { WORKERS = 16 };

/* Worker i on CPU i, with one job in its queue; nobody runs. */
struct scene {
    struct machine machine;
    mr_runtime rt;
    mri_worker worker[WORKERS];
    mri_job job[WORKERS];
};

static struct scene *scene_new(int l2, int l3)
{
    struct scene *s;
    EXPECT_EQ(posix_memalign((void **)&s, MRI_CACHE_LINE, sizeof *s), 0);
    memset(s, 0, sizeof *s);
    open(&s->machine, WORKERS, l2, l3, 0, 0);
    s->rt.places = s->machine.places;
    s->rt.workers = WORKERS;
    s->rt.worker = s->worker;
    for (uint32_t i = 0; i < WORKERS; i++) {
        mri_worker *w = &s->worker[i];
        w->runtime = &s->rt;
        w->index = i;
        w->random = 0x9e3779b97f4a7c15 * (i + 1);
        mri_init(&w->at, i);
        mri_run_queue_open(&w->queue, w->slots, MRI_QUEUE);
        mri_run_queue_push(&w->queue, &s->job[i].node);
    }
    return s;
}

/* Whose job worker `by` steals; -1: there is none. */
static int steal(struct scene *s, uint32_t by)
{
    mri_work work;
    if (!mri_worker_steal(&s->worker[by], &work))
        return -1;
    return (int)(mri_container_of(work.node, mri_job, node) - s->job);
}

TEST(places, who_steals_takes_from_the_nearest_first_and_then_from_all)
{
    for (uint32_t by = 0; by < WORKERS; by++) {
        struct scene *s = scene_new(2, 8);
        EXPECT_EQ(steal(s, by), (int)by ^ 1);
        for (int i = 0; i < 6; i++)
            EXPECT_EQ(steal(s, by) / 8, (int)by / 8);
        for (int i = 0; i < 8; i++)
            EXPECT(steal(s, by) / 8 != (int)by / 8);
        EXPECT_EQ(steal(s, by), -1);
        free(s);
    }
}

TEST(places, where_nobody_is_near_anybody_is_asked)
{
    int from[WORKERS] = {0};
    for (int round = 0; round < 2000; round++) {
        struct scene *s = scene_new(0, 0);
        s->worker[3].random += (uint64_t)round * 0x2545f4914f6cdd1d;
        from[steal(s, 3)]++;
        for (int i = 0; i < WORKERS - 2; i++)
            EXPECT(steal(s, 3) >= 0);
        EXPECT_EQ(steal(s, 3), -1);
        free(s);
    }
    EXPECT_EQ(from[3], 0);
    for (int i = 0; i < WORKERS; i++)
        if (i != 3)
            EXPECT(from[i] > 0);
}

TEST(places, a_worker_that_was_never_seen_is_asked_too)
{
    struct scene *s = scene_new(2, 8);
    for (uint32_t i = 0; i < WORKERS; i++)
        mri_store_relaxed(&s->worker[i].at, (uint32_t)-1);
    for (int i = 0; i < WORKERS - 1; i++)
        EXPECT(steal(s, 5) >= 0);
    EXPECT_EQ(steal(s, 5), -1);
    free(s);
}
