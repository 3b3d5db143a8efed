/* See histogram.h. Every load and store here is relaxed: each word counts for
 * itself. */
#include "base/histogram.h"

#include "base/assert.h"

static uint32_t shift_of(uint32_t bucket)
{
    uint32_t parts = (uint32_t)MRI_HISTOGRAM_PARTS;
    return bucket < 2 * parts ? 0 : bucket / parts - 1;
}

uint64_t mri_histogram_lowest(uint32_t bucket)
{
    uint32_t shift = shift_of(bucket);
    return (bucket - shift * MRI_HISTOGRAM_PARTS) << shift;
}

uint64_t mri_histogram_highest(uint32_t bucket)
{
    return mri_histogram_lowest(bucket) +
           ((UINT64_C(1) << shift_of(bucket)) - 1);
}

void mri_histogram_reset(mri_histogram *h)
{
    for (uint32_t i = 0; i < MRI_HISTOGRAM_BUCKETS; i++)
        mri_store_relaxed(&h->bucket[i], 0);
    mri_store_relaxed(&h->max, 0);
    mri_store_relaxed(&h->low, 0);
}

static void raise(mri_atomic_u64 *most, uint64_t value)
{
    if (value > mri_load_relaxed(most))
        mri_store_relaxed(most, value);
}

void mri_histogram_merge(mri_histogram *into, const mri_histogram *from)
{
    for (uint32_t i = 0; i < MRI_HISTOGRAM_BUCKETS; i++) {
        uint64_t more = mri_load_relaxed(&from->bucket[i]);
        if (more)
            mri_store_relaxed(&into->bucket[i],
                              mri_load_relaxed(&into->bucket[i]) + more);
    }
    raise(&into->max, mri_load_relaxed(&from->max));
    raise(&into->low, mri_load_relaxed(&from->low));
}

uint64_t mri_histogram_count(const mri_histogram *h)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < MRI_HISTOGRAM_BUCKETS; i++)
        count += mri_load_relaxed(&h->bucket[i]);
    return count;
}

uint64_t mri_histogram_min(const mri_histogram *h)
{
    uint64_t low = mri_load_relaxed(&h->low);
    /* ~UINT64_MAX is 0 as well: a histogram of that value alone. */
    return low || mri_load_relaxed(&h->max) ? ~low : 0;
}

uint64_t mri_histogram_max(const mri_histogram *h)
{
    return mri_load_relaxed(&h->max);
}

/* The smallest whole number >= q * count, from 1 to count. */
static uint64_t rank_of(double q, uint64_t count)
{
    double exact = q * (double)count;
    if (!(exact > 1)) /* nor for not-a-number */
        return 1;
    if (exact >= (double)count)
        return count;
    uint64_t whole = (uint64_t)exact;
    return whole + ((double)whole < exact);
}

uint64_t mri_histogram_quantile(const mri_histogram *h, double q)
{
    uint64_t count = mri_histogram_count(h), seen = 0;
    uint64_t max = mri_histogram_max(h);
    if (count == 0 || q >= 1)
        return max;
    if (q <= 0)
        return mri_histogram_min(h);
    uint64_t rank = rank_of(q, count);
    for (uint32_t i = 0; i < MRI_HISTOGRAM_BUCKETS; i++) {
        seen += mri_load_relaxed(&h->bucket[i]);
        if (seen >= rank) {
            uint64_t highest = mri_histogram_highest(i);
            return highest < max ? highest : max;
        }
    }
    return max;
}

double mri_histogram_mean(const mri_histogram *h)
{
    double sum = 0, count = 0;
    for (uint32_t i = 0; i < MRI_HISTOGRAM_BUCKETS; i++) {
        double times = (double)mri_load_relaxed(&h->bucket[i]);
        double low = (double)mri_histogram_lowest(i);
        double high = (double)mri_histogram_highest(i);
        sum += times * (low + (high - low) / 2);
        count += times;
    }
    return count > 0 ? sum / count : 0;
}

void mri_histogram_check(const mri_histogram *h)
{
    uint32_t first = MRI_HISTOGRAM_BUCKETS, last = 0;
    for (uint32_t i = 0; i < MRI_HISTOGRAM_BUCKETS; i++)
        if (mri_load_relaxed(&h->bucket[i]) > 0) {
            first = first < i ? first : i;
            last = i;
        }
    if (first == MRI_HISTOGRAM_BUCKETS) {
        mri_require(mri_load_relaxed(&h->max) == 0 &&
                        mri_load_relaxed(&h->low) == 0,
                    "an empty histogram has no extremes");
        return;
    }
    mri_require(mri_histogram_bucket(mri_histogram_min(h)) == first,
                "the lowest bucket holds the minimum");
    mri_require(mri_histogram_bucket(mri_histogram_max(h)) == last,
                "the highest bucket holds the maximum");
}
