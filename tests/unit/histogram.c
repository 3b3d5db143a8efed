#include "base/histogram.h"

#include "slow.h"
#include "test.h"

#include <signal.h>

static mri_histogram h, other;

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void reset(void)
{
    mri_histogram_reset(&h);
    mri_histogram_reset(&other);
    random_state = 88172645463325252U;
}

TEST(histogram, empty_one_says_zero)
{
    reset();
    EXPECT_EQ(mri_histogram_count(&h), 0);
    EXPECT_EQ(mri_histogram_min(&h), 0);
    EXPECT_EQ(mri_histogram_max(&h), 0);
    EXPECT_EQ(mri_histogram_quantile(&h, 0.5), 0);
    EXPECT_EQ(mri_histogram_quantile(&h, 0), 0);
    EXPECT_EQ(mri_histogram_quantile(&h, 1), 0);
    EXPECT(mri_histogram_mean(&h) == 0);
}

TEST(histogram, buckets_cover_all_values_without_gap_or_overlap)
{
    EXPECT_EQ(mri_histogram_lowest(0), 0);
    for (uint32_t b = 0; b < MRI_HISTOGRAM_BUCKETS; b++) {
        uint64_t low = mri_histogram_lowest(b), high = mri_histogram_highest(b);
        EXPECT(low <= high);
        EXPECT_EQ(mri_histogram_bucket(low), b);
        EXPECT_EQ(mri_histogram_bucket(high), b);
        EXPECT(high - low <= low / 32);
        if (b + 1 < MRI_HISTOGRAM_BUCKETS)
            EXPECT_EQ(mri_histogram_lowest(b + 1), high + 1);
        else
            EXPECT(high == UINT64_MAX);
    }
}

TEST(histogram, one_value_is_every_quantile)
{
    static const uint64_t values[] = {
        0, 1, 31, 32, 33, 12345, 1U << 31, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < MRI_ARRAY_LEN(values); i++) {
        reset();
        mri_histogram_record(&h, values[i]);
        EXPECT_EQ(mri_histogram_count(&h), 1);
        EXPECT(mri_histogram_min(&h) == values[i]);
        EXPECT(mri_histogram_max(&h) == values[i]);
        for (double q = -0.5; q <= 1.5; q += 0.25)
            EXPECT(mri_histogram_quantile(&h, q) == values[i]);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Below exact + exact / 32, without overflow. */
static bool is_close(uint64_t estimate, uint64_t exact)
{
    return estimate >= exact && estimate - exact <= exact / 32;
}

static void compare(uint64_t *value, size_t count)
{
    static const double q[] = {0.001, 0.01, 0.25,  0.5,    0.75,
                               0.9,   0.99, 0.999, 0.9999, 0.333333};
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        mri_histogram_record(&h, value[i]);
        sum += (double)value[i];
    }
    qsort(value, count, sizeof *value, by_value);
    EXPECT_EQ(mri_histogram_count(&h), count);
    EXPECT(mri_histogram_min(&h) == value[0]);
    EXPECT(mri_histogram_max(&h) == value[count - 1]);
    EXPECT(mri_histogram_quantile(&h, 0) == value[0]);
    EXPECT(mri_histogram_quantile(&h, 1) == value[count - 1]);
    for (size_t i = 0; i < MRI_ARRAY_LEN(q); i++) {
        size_t rank = (size_t)(q[i] * (double)count);
        rank += (double)rank < q[i] * (double)count;
        EXPECT(is_close(mri_histogram_quantile(&h, q[i]),
                        value[rank ? rank - 1 : 0]));
    }
    double mean = sum / (double)count, error = mri_histogram_mean(&h) - mean;
    EXPECT((error < 0 ? -error : error) <= mean / 64);
}

TEST(histogram, quantiles_are_those_of_the_sorted_values_or_a_32nd_above)
{
    size_t most = (size_t)slow_scale(100000);
    uint64_t *value = malloc(most * sizeof *value);
    EXPECT(value);
    for (size_t count = 1; count <= most; count = count * 3 + 1)
        for (int shift = 0; shift < 64; shift += 9) {
            reset();
            for (size_t i = 0; i < count; i++)
                value[i] = next_random() >> shift;
            compare(value, count);
            reset(); /* as many small as large ones */
            for (size_t i = 0; i < count; i++)
                value[i] = next_random() >> next_random() % 64;
            compare(value, count);
        }
    free(value);
}

TEST(histogram, mean_of_extreme_values_does_not_overflow)
{
    reset();
    for (int i = 0; i < 1000; i++)
        mri_histogram_record(&h, UINT64_MAX);
    double mean = mri_histogram_mean(&h);
    EXPECT(mean > 18446744073709551615.0 * 63 / 64);
    EXPECT(mean <= 18446744073709551615.0);
}

TEST(histogram, merged_ones_are_as_one)
{
    static mri_histogram both;
    reset();
    mri_histogram_reset(&both);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = next_random() >> next_random() % 64;
        mri_histogram_record(i % 3 ? &h : &other, value);
        mri_histogram_record(&both, value);
    }
    mri_histogram_merge(&h, &other);
    EXPECT(memcmp(&h, &both, sizeof h) == 0);
    mri_histogram_check(&h);
    mri_histogram_reset(&other);
    mri_histogram_check(&other);
    mri_histogram_merge(&h, &other);
    EXPECT(memcmp(&h, &both, sizeof h) == 0);
    mri_histogram_merge(&other, &h);
    EXPECT(memcmp(&other, &both, sizeof h) == 0);
}

TEST(histogram, many_of_one_value_count_as_many)
{
    reset();
    mri_histogram_add(&h, 5, 99);
    mri_histogram_add(&h, 1000, 1);
    EXPECT_EQ(mri_histogram_count(&h), 100);
    EXPECT_EQ(mri_histogram_quantile(&h, 0.99), 5);
    EXPECT_EQ(mri_histogram_quantile(&h, 0.995), 1000);
}

static void check_without_maximum(void *arg)
{
    (void)arg;
    reset();
    mri_histogram_record(&h, 1000);
    mri_store_relaxed(&h.max, 900);
    mri_histogram_check(&h);
}

TEST(histogram, check_finds_a_wrong_maximum)
{
    EXPECT(test_dies(check_without_maximum, NULL, SIGABRT, "the maximum"));
}
