/* Usable CPUs: affinity and quota put together. */
#include "os/cpus.h"

#include "os/cgroup.h"
#include "os/sys.h"
#include "os/topology.h"

#include <millrace/error.h>

#define MILLION 1000000

/* The kernel refuses a mask shorter than its own with EINVAL, and does not
 * tell its length. 1,024 CPUs to begin with, as in glibc; at 8 million the
 * refusal means something else. */
#define FIRST_MASK_BYTES 128
#define LAST_MASK_BYTES (1 << 20)

/* The affinity mask, borrowed from the source or allocated. */
struct mask {
    const uint64_t *word;
    size_t words;
    void *owned;
};

static int read_mask(struct mask *out)
{
    for (size_t size = FIRST_MASK_BYTES;; size *= 2) {
        void *word = mri_sys_alloc(size);
        if (!word)
            return MR_ENOMEM;
        long n = mri_sys_getaffinity(0, size, word);
        if (n >= 0) {
            *out = (struct mask){word, (size_t)n / sizeof(uint64_t), word};
            return 0;
        }
        free(word);
        if (n != MR_EINVAL || size == LAST_MASK_BYTES)
            return (int)n;
    }
}

static int mask_open(struct mask *out, const mri_cpus_source *source)
{
    if (!source->mask)
        return read_mask(out);
    *out = (struct mask){source->mask, source->mask_words, NULL};
    return 0;
}

static int mask_count(const struct mask *mask)
{
    int count = 0;
    for (size_t i = 0; i < mask->words; i++)
        count += __builtin_popcountll(mask->word[i]);
    return count;
}

/* In ascending order. */
static void mask_list(const struct mask *mask, mri_cpu *cpu)
{
    for (size_t i = 0; i < mask->words; i++)
        for (uint64_t rest = mask->word[i]; rest; rest &= rest - 1)
            (cpu++)->id = (int)(i * 64) + __builtin_ctzll(rest);
}

static int usable(int affinity, int64_t quota_ppm)
{
    int64_t most = affinity > 0 ? affinity : 1;
    int64_t quota = quota_ppm / MILLION + (quota_ppm % MILLION != 0);
    return (int)(quota > 0 && quota < most ? quota : most);
}

/* Everything but the topology; cpu[] has its ids. */
static int open_counts(mri_cpus *out, const mri_cpus_source *source)
{
    struct mask mask;
    mri_quota quota;
    int rc = mask_open(&mask, source);
    if (rc < 0)
        return rc;
    out->affinity = mask_count(&mask);
    /* One more, so that an empty list is not confused with no memory. */
    out->cpu = mri_sys_alloc(((size_t)out->affinity + 1) * sizeof *out->cpu);
    if (out->cpu)
        mask_list(&mask, out->cpu);
    free(mask.owned);
    if (!out->cpu)
        return MR_ENOMEM;
    rc = mri_quota_open(&quota, source->root);
    if (rc < 0)
        return rc;
    out->quota_ppm = quota.ppm;
    out->cgroup_version = quota.version;
    out->quota_path = quota.path; /* ours from here */
    out->usable = usable(out->affinity, quota.ppm);
    return 0;
}

int mri_cpus_open(mri_cpus *out, const mri_cpus_source *source)
{
    static const mri_cpus_source live;
    if (!source)
        source = &live;
    *out = (mri_cpus){.online = -1};
    int rc = open_counts(out, source);
    if (rc >= 0)
        rc = mri_topology_read(out->cpu, out->affinity, &out->online,
                               source->root);
    if (rc < 0)
        mri_cpus_close(out);
    return rc;
}

void mri_cpus_close(mri_cpus *cpus)
{
    free(cpus->cpu);
    free(cpus->quota_path);
    *cpus = (mri_cpus){.online = -1};
}

int mri_cpus_usable(const mri_cpus_source *source)
{
    static const mri_cpus_source live;
    mri_cpus cpus = {.online = -1};
    int rc = open_counts(&cpus, source ? source : &live);
    if (rc >= 0)
        rc = cpus.usable;
    mri_cpus_close(&cpus);
    return rc;
}
