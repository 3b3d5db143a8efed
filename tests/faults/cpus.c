/* Every system call of mri_cpus_open failed once, in turn, with every kind of
 * error. Expected: errors that mean "there is no such file" lead to less
 * knowledge, never to more; all others come back as they are; neither leaks. */
#include "os/cpus.h"
#include "faults.h"
#include "roots/groups.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <millrace/error.h>
#include <millrace/machine.h>

static const fake_machine small = {1, 2, 2, 2, 1, 1};
static const uint64_t mask = 0xf;

static int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -1;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static bool means_missing(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case EOPNOTSUPP:
    case ENOSYS:
    case ENODEV:
    case ENXIO:
        return true;
    default:
        return false;
    }
}

/* What is interrupted is called again. */
static bool passes(int error)
{
    return error == EINTR || means_missing(error);
}

static bool knows_no_more(int field, int truth)
{
    return field == truth || field == -1;
}

/* What `less` says is in `full` too; only a quota may look wider. */
static void expect_no_more(const mri_cpus *less, const mri_cpus *full)
{
    EXPECT(knows_no_more(less->online, full->online));
    EXPECT_EQ(less->affinity, full->affinity);
    EXPECT(less->usable >= full->usable && less->usable <= full->affinity);
    EXPECT(less->quota_ppm == 0 || less->quota_ppm >= full->quota_ppm);
    EXPECT((less->quota_ppm == 0) == !less->quota_path);
    EXPECT((less->quota_ppm == 0) == (less->cgroup_version == 0));
    for (int i = 0; i < full->affinity; i++) {
        const mri_cpu *a = &less->cpu[i], *b = &full->cpu[i];
        EXPECT_EQ(a->id, b->id);
        EXPECT(knows_no_more(a->core, b->core));
        EXPECT(knows_no_more(a->l2, b->l2) && knows_no_more(a->l3, b->l3));
        EXPECT(knows_no_more(a->package, b->package));
        EXPECT(knows_no_more(a->node, b->node));
    }
}

static void expect_outcome(int rc, int error, const mri_cpus *seen,
                           const mri_cpus *full)
{
    const char *call = faults_last();
    if (strcmp(call, "malloc") == 0)
        EXPECT_EQ(rc, MR_ENOMEM);
    else if (strcmp(call, "sched_getaffinity") == 0)
        EXPECT_EQ(rc, error == EINVAL ? 0 : -error);
    else
        EXPECT_EQ(rc, passes(error) ? 0 : -error);
    if (rc == 0)
        expect_no_more(seen, full);
    else
        EXPECT(!seen->cpu && !seen->quota_path);
}

/* How many calls were failed. */
static int fail_each(const mri_cpus_source *source, int error)
{
    mri_cpus full;
    EXPECT_EQ(mri_cpus_open(&full, source), 0);
    for (int nth = 1;; nth++) {
        mri_cpus seen;
        int before = open_files();
        faults_arm(nth, error);
        int rc = mri_cpus_open(&seen, source);
        bool reached = faults_disarm();
        EXPECT_EQ(open_files(), before);
        if (reached)
            expect_outcome(rc, error, &seen, &full);
        if (rc == 0)
            mri_cpus_close(&seen);
        if (!reached) {
            mri_cpus_close(&full);
            return nth - 1;
        }
    }
}

static const int errors[] = {ENOENT,     ENOTDIR, EISDIR,      EACCES, EPERM,
                             ENODEV,     ENXIO,   ENOSYS,      EIO,    ENOMEM,
                             EMFILE,     ENFILE,  EINTR,       EINVAL, EAGAIN,
                             EOPNOTSUPP, ELOOP,   ENAMETOOLONG};

static void fail_each_with_each(const fake_file *files)
{
    fake_root root;
    fake_root_open(&root);
    fake_root_put_all(&root, files);
    fake_root_topology(&root, &small);
    mri_cpus_source source = {root.dir, &mask, 1};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        int calls = fail_each(&source, errors[i]);
        EXPECT_MSG(calls > 100, "only %d calls were failed", calls);
    }
    fake_root_close(&root);
}

TEST(faults_cpus, failed_call_with_v1_is_an_error_or_less_knowledge)
{
    fail_each_with_each(root_v1_parent);
}

TEST(faults_cpus, failed_call_with_v2_is_an_error_or_less_knowledge)
{
    fail_each_with_each(root_v2_parent);
}

TEST(faults_cpus, failed_call_on_this_machine_is_an_error_or_less_knowledge)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        EXPECT(fail_each(NULL, errors[i]) > 2);
}

/* The public function says why it does not know. */
TEST(faults_cpus, failed_call_reaches_the_user)
{
    faults_arm_call("malloc", 1, ENOMEM, false);
    EXPECT_EQ(mr_usable_cpus(), MR_ENOMEM);
    EXPECT(faults_disarm());
    faults_arm_call("sched_getaffinity", 1, EPERM, false);
    EXPECT_EQ(mr_usable_cpus(), MR_EPERM);
    EXPECT(faults_disarm());
    faults_arm_call("open", 1, EMFILE, false);
    EXPECT_EQ(mr_usable_cpus(), MR_EMFILE);
    EXPECT(faults_disarm());
    EXPECT(mr_usable_cpus() >= 1);
}
