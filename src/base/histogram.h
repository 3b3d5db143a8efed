/* Counts of values by size, for quantiles: every u64 has a bucket, and a
 * bucket is at most 1/32 as wide as the values in it.
 *
 * Values below 32 have a bucket each. Above, every power of two is split into
 * 32 equal parts:
 *
 *     value    1 b4 b3 b2 b1 b0 x x ... x        e bits x
 *     bucket   32 * (e + 1) + b4..b0
 *
 * so that the bucket is the top six bits and how far they were shifted. A
 * quantile is the highest value of its bucket, never above the maximum:
 *     exact <= quantile <= exact + exact / 32
 * The mean takes each value for the middle of its bucket: at most 1/64 off.
 * Count, minimum and maximum are exact.
 *
 * One thread records (or merges into it); any others may read meanwhile. They
 * see each bucket as of some moment: sums may lack the newest values, and
 * nothing else. 15 KiB, no allocation; all bytes zero is an empty one.
 *
 * Must not know: what is measured, in which unit.
 */
#ifndef MRI_BASE_HISTOGRAM_H
#define MRI_BASE_HISTOGRAM_H

#include "base/atomic.h"

#define MRI_HISTOGRAM_BITS 5
#define MRI_HISTOGRAM_PARTS (UINT64_C(1) << MRI_HISTOGRAM_BITS)
#define MRI_HISTOGRAM_BUCKETS ((64 - MRI_HISTOGRAM_BITS + 1) * 32)

/* Written by the one recorder, read by anybody; all relaxed: each word counts
 * for itself. */
typedef struct mri_histogram {
    mri_atomic_u64 bucket[MRI_HISTOGRAM_BUCKETS];
    mri_atomic_u64 max;
    mri_atomic_u64 low; /* ~minimum, so that 0 is none yet */
} mri_histogram;

MRI_INLINE uint32_t mri_histogram_bucket(uint64_t value)
{
    if (value < MRI_HISTOGRAM_PARTS)
        return (uint32_t)value;
    uint32_t shift = 63 - MRI_HISTOGRAM_BITS - (uint32_t)__builtin_clzll(value);
    /* The leading 1 of the shifted value is worth 32, hence no "+ 1". */
    return shift * (uint32_t)MRI_HISTOGRAM_PARTS + (uint32_t)(value >> shift);
}

/* `times` of one value. */
MRI_INLINE void mri_histogram_add(mri_histogram *h, uint64_t value,
                                  uint64_t times)
{
    mri_atomic_u64 *bucket = &h->bucket[mri_histogram_bucket(value)];
    /* No read-modify-write: nobody else writes. */
    mri_store_relaxed(bucket, mri_load_relaxed(bucket) + times);
    if (mri_unlikely(value > mri_load_relaxed(&h->max)))
        mri_store_relaxed(&h->max, value);
    if (mri_unlikely(~value > mri_load_relaxed(&h->low)))
        mri_store_relaxed(&h->low, ~value);
}

MRI_INLINE void mri_histogram_record(mri_histogram *h, uint64_t value)
{
    mri_histogram_add(h, value, 1);
}

/* Recorder: empty it. */
void mri_histogram_reset(mri_histogram *h);

/* Recorder of `into`: everything in `from` too. */
void mri_histogram_merge(mri_histogram *into, const mri_histogram *from);

uint64_t mri_histogram_count(const mri_histogram *h);

/* The value that a share q of all values, from 0 to 1, does not exceed: 0.5
 * for the median. q <= 0: the minimum; q >= 1: the maximum. 0 when empty. */
uint64_t mri_histogram_quantile(const mri_histogram *h, double q);

/* 0 when empty. */
uint64_t mri_histogram_min(const mri_histogram *h);
uint64_t mri_histogram_max(const mri_histogram *h);

/* Recorder. */
void mri_histogram_check(const mri_histogram *h);
double mri_histogram_mean(const mri_histogram *h);

/* The lowest and the highest value of a bucket. */
uint64_t mri_histogram_lowest(uint32_t bucket);
uint64_t mri_histogram_highest(uint32_t bucket);

#endif
