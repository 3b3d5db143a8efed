/* Files cut short and bytes changed at random: whatever they say then, the
 * result stays within its bounds. Address and undefined-behaviour sanitizers
 * see the rest. The seed is fixed; MILLRACE_SEED tries others. */
#include "os/cpus.h"
#include "roots/groups.h"
#include "slow.h"
#include "test.h"

static const fake_machine small = {1, 2, 2, 2, 1, 1};
static const uint64_t mask = 0xf;

static uint64_t state;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t bound)
{
    return next_random() % bound;
}

/* Characters that mean something to one of the formats, or any. */
static char noise(void)
{
    static const char telling[] = "/.\\ \n-:,0123456789max_cpu\t";
    return below(3) ? telling[below(sizeof telling)] : (char)below(256);
}

/* Overwrite, insert, drop a stretch, double a stretch, cut. */
static void spoil(char *text, size_t size)
{
    for (uint64_t n = 1 + below(4); n > 0; n--) {
        size_t len = strlen(text), at = len ? below(len) : 0;
        size_t stretch = len > at ? 1 + below(len - at) : 0;
        switch (below(5)) {
        case 0:
            text[at] = len ? noise() : '\0';
            break;
        case 1:
            if (len + 1 < size) {
                memmove(text + at + 1, text + at, len - at + 1);
                text[at] = noise();
            }
            break;
        case 2:
            memmove(text + at, text + at + stretch, len - at - stretch + 1);
            break;
        case 3:
            if (len + stretch < size)
                memmove(text + at + stretch, text + at, len - at + 1);
            break;
        default:
            text[at] = '\0';
        }
    }
}

static void put_spoilt(const fake_root *root, const fake_file *file)
{
    char text[4096];
    snprintf(text, sizeof text, "%s", file->text);
    spoil(text, sizeof text);
    fake_root_put(root, text, "%s", file->path);
}

static bool within(int value, int low, int high)
{
    return low <= value && value <= high;
}

static void expect_bounds(const fake_root *root)
{
    mri_cpus cpus;
    mri_cpus_source source = {root->dir, &mask, 1};
    int rc = mri_cpus_open(&cpus, &source);
    /* What a path made of noise may meet in the file system. */
    EXPECT_MSG(rc == 0, "seed state %" PRIx64 ": code %d", state, rc);
    EXPECT(within(cpus.usable, 1, 4) && cpus.affinity == 4);
    EXPECT(cpus.quota_ppm >= 0 && within(cpus.cgroup_version, 0, 2));
    EXPECT((cpus.quota_ppm == 0) == !cpus.quota_path);
    EXPECT(cpus.online == -1 || cpus.online > 0);
    for (int i = 0; i < 4; i++) {
        const mri_cpu *cpu = &cpus.cpu[i];
        EXPECT(within(cpu->core, -1, i) && within(cpu->l2, -1, i));
        EXPECT(within(cpu->l3, -1, i) && cpu->package >= -1);
        EXPECT(within(cpu->node, -1, 1023));
    }
    mri_cpus_close(&cpus);
}

static uint64_t first_seed(void)
{
    const char *seed = getenv("MILLRACE_SEED");
    return seed ? strtoull(seed, NULL, 0) : 20250101;
}

TEST(faults_cpus_noise, spoilt_group_files_keep_the_result_within_bounds)
{
    state = first_seed();
    for (const fake_file *const *files = root_all; *files; files++) {
        fake_root root;
        size_t count = 0;
        fake_root_open(&root);
        fake_root_put_all(&root, *files);
        while ((*files)[count].path)
            count++;
        for (int round = 0; round < slow_scale(200); round++) {
            const fake_file *file = &(*files)[below(count)];
            put_spoilt(&root, file);
            expect_bounds(&root);
            if (below(3))
                fake_root_put(&root, file->text, "%s", file->path);
        }
        fake_root_close(&root);
    }
}

TEST(faults_cpus_noise, spoilt_topology_keeps_the_result_within_bounds)
{
    static const fake_file files[] = {
        {"/sys/devices/system/cpu/online", "0-3\n"},
        {"/sys/devices/system/node/online", "0\n"},
        {"/sys/devices/system/node/node0/cpulist", "0-3\n"},
        {"/sys/devices/system/cpu/cpu1/topology/core_cpus_list", "1,3\n"},
        {"/sys/devices/system/cpu/cpu1/topology/physical_package_id", "0\n"},
        {"/sys/devices/system/cpu/cpu2/cache/index2/level", "2\n"},
        {"/sys/devices/system/cpu/cpu2/cache/index2/type", "Unified\n"},
        {"/sys/devices/system/cpu/cpu2/cache/index2/shared_cpu_list", "0,2\n"},
    };
    state = first_seed();
    fake_root root;
    fake_root_open(&root);
    fake_root_topology(&root, &small);
    for (int round = 0; round < slow_scale(1000); round++) {
        put_spoilt(&root, &files[below(sizeof files / sizeof *files)]);
        expect_bounds(&root);
    }
    fake_root_close(&root);
}
