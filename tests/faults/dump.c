/* mr_dump where the kernel lets nobody look at memory, as in some sandboxes
 * and emulators. */
#include <millrace.h>

#include "faults.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static int64_t nothing(void *arg)
{
    (void)arg;
    return 0;
}

static bool dump_has(mr_runtime *rt, int error, const char *part)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    EXPECT(out != NULL);
    faults_arm_call("process_vm_readv", 1, error, true);
    EXPECT_EQ(mr_dump(rt, out), 0);
    faults_disarm();
    fclose(out);
    bool has = strstr(text, part) != NULL;
    free(text);
    return has;
}

/* Where the machine stands still for a while, a spare worker takes what was
 * submitted before it is looked at. */
enum { ATTEMPTS = 20 };

static int64_t looks_at_own(void *rt)
{
    static const char said[] =
        "jobs in the queue of worker 0: cannot be read: MR_EPERM\n";
    for (int i = 0; i < ATTEMPTS; i++) {
        for (int k = 0; k < 3; k++)
            EXPECT_EQ(mr_submit(rt, nothing, NULL, 0), 0);
        if (dump_has(rt, EPERM, said))
            return i;
    }
    return ATTEMPTS;
}

TEST(faults_dump, of_jobs_in_a_queue_that_may_not_be_read_is_said)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    EXPECT(mr_run(rt, looks_at_own, rt) < ATTEMPTS);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}

static void *submits(void *rt)
{
    EXPECT_EQ(mr_submit(rt, nothing, NULL, 0), 0);
    return NULL;
}

/* From a thread that is none of its workers, while the only one is here. */
static int64_t looks_at_inbox(void *rt)
{
    static const char said[] = "jobs in the inbox: cannot be read: MR_ENOSYS\n";
    for (int i = 0; i < ATTEMPTS; i++) {
        pthread_t thread;
        EXPECT_EQ(pthread_create(&thread, NULL, submits, rt), 0);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
        if (dump_has(rt, ENOSYS, said))
            return i;
    }
    return ATTEMPTS;
}

TEST(faults_dump, of_jobs_in_the_inbox_that_may_not_be_read_is_said)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    mr_runtime *rt;
    EXPECT_EQ(mr_start(&rt, &config), 0);
    EXPECT(mr_run(rt, looks_at_inbox, rt) < ATTEMPTS);
    EXPECT_EQ(mr_stop(rt, MR_NEVER), 0);
}
