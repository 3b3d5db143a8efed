/* What it is asked of a file that is opened: each call is counted. */
#define _GNU_SOURCE
#include <millrace.h>

#include "faults.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Of what lies on a device nothing more; of what lies on none, memory maybe,
 * its file system, once. */
static int64_t counts(void *arg)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "%s/millrace-XXXXXX", (const char *)arg);
    close(mkostemp(path, O_CLOEXEC));
    EXPECT_EQ(stat(path, &st), 0);
    faults_arm_call("fstatfs", 1000, EIO, false);
    EXPECT_EQ(mr_close(mr_file_open(path, MR_FILE_READ, 0)), 0);
    EXPECT_EQ(faults_count(), major(st.st_dev) == 0);
    (void)faults_disarm();
    return unlink(path);
}

TEST(faults_file_open, what_lies_on_a_device_is_not_asked_for_its_file_system)
{
    mr_config config = {.size = sizeof config, .workers = 1};
    EXPECT_EQ(mr_main(&config, counts, (char[]){"/dev/shm"}), 0);
    EXPECT_EQ(mr_main(&config, counts, (char[]){"/var/tmp"}), 0);
}
