/* What must hold of the free list: an index has one holder at a time, who
 * sees what the holder before left; none is lost; the depth is right. */
#include "parts/free_list.h"

#include "model.h"

enum { MOST = 4 };

struct state {
    mri_free_list list, other; /* over the same links */
    mri_atomic_u64 links[MOST];
    uint32_t uses[MOST]; /* plain: the holder's */
    uint32_t total;      /* indices that there are */
};

static void open_n(struct state *s, uint32_t n)
{
    uint32_t index[MOST] = {0, 1, 2, 3};
    mri_free_list_open(&s->list);
    mri_free_list_open(&s->other);
    model_name(&s->list.head, 8, "head");
    model_name(&s->other.head, 8, "other");
    model_name(s->links, sizeof s->links, "links");
    s->total = n;
    mri_free_list_put(&s->list, s->links, index, n);
}

static void open_1(void *a)
{
    open_n(a, 1);
}

static void open_2(void *a)
{
    open_n(a, 2);
}

static void open_1_of_2(void *a)
{
    struct state *s = a;
    open_n(s, 1);
    s->total = 2;
}

static void open_3(void *a)
{
    open_n(a, 3);
}

static void open_4(void *a)
{
    open_n(a, 4);
}

static uint32_t get(struct state *s, uint32_t *out, uint32_t most)
{
    uint32_t n = mri_free_list_get(&s->list, s->links, out, most);
    for (uint32_t i = 0; i < n; i++) {
        model_assert(out[i] < s->total);
        s->uses[out[i]]++; /* two holders race here */
    }
    return n;
}

static void put(struct state *s, mri_free_list *list, const uint32_t *index,
                uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        s->uses[index[i]]++;
    mri_free_list_put(list, s->links, index, n);
}

static void use_one(void *a)
{
    struct state *s = a;
    uint32_t index;
    if (get(s, &index, 1))
        put(s, &s->list, &index, 1);
}

static void use_one_twice(void *a)
{
    use_one(a);
    use_one(a);
}

/* The other half of ABA: two out, the first of them back. */
static void get_get_put(void *a)
{
    struct state *s = a;
    uint32_t index[2], n = get(s, index, 1);
    if (n)
        n += get(s, index + 1, 1);
    if (n)
        put(s, &s->list, index, 1);
    if (n == 2)
        put(s, &s->other, index + 1, 1);
}

static void use_two(void *a)
{
    struct state *s = a;
    uint32_t index[2], n = get(s, index, 2);
    put(s, &s->list, index, n);
}

static void use_three_back_in_two(void *a)
{
    struct state *s = a;
    uint32_t index[3], n = get(s, index, 3);
    if (n)
        put(s, &s->list, index, 1);
    if (n > 1)
        put(s, &s->list, index + 1, n - 1);
}

/* Into the other list, whose links are the same words. */
static void move_two(void *a)
{
    struct state *s = a;
    uint32_t index[2], n = get(s, index, 2);
    put(s, &s->other, index, n);
}

static void move_one(void *a)
{
    struct state *s = a;
    uint32_t index, n = get(s, &index, 1);
    put(s, &s->other, &index, n);
}

static void look_at_depth(void *a)
{
    struct state *s = a;
    model_assert(mri_free_list_depth(&s->list, s->links) <= s->total);
}

/* Depth is never 0 while one entry stays for good. */
static void depth_is_at_least_1(void *a)
{
    struct state *s = a;
    model_assert(mri_free_list_depth(&s->list, s->links) >= 1);
}

/* An index that was in no list: its link says nothing yet. */
static void put_new(void *a)
{
    struct state *s = a;
    uint32_t index = s->total - 1;
    put(s, &s->list, &index, 1);
}

static void all_there(void *a)
{
    struct state *s = a;
    uint32_t here = mri_free_list_check(&s->list, s->links, s->total);
    uint32_t there = mri_free_list_check(&s->other, s->links, s->total);
    model_assert(here + there == s->total);
    uint32_t seen[MOST] = {0}, out[MOST];
    uint32_t n = mri_free_list_get(&s->list, s->links, out, MOST);
    model_assert(n == here);
    n += mri_free_list_get(&s->other, s->links, out + n, MOST - n);
    for (uint32_t i = 0; i < n; i++)
        model_assert(seen[out[i]]++ == 0);
}

/* Weak CASs fail for no reason where the name says so, and where that is
 * cheap: a failed one is another round of a loop. */
#define LIST(name_, setup_, ...)                                               \
    MODEL(free_list_##name_, .state_size = sizeof(struct state),               \
          .setup = (setup_), .finish = all_there, .thread = {__VA_ARGS__},     \
          .spurious = MODEL_NONE, .bound = 2, .deep_bound = 3)

MODEL(free_list_every_interleaving_of_depth_and_use,
      .state_size = sizeof(struct state), .setup = open_2, .finish = all_there,
      .thread = {use_one, depth_is_at_least_1}, .spurious = 1,
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
MODEL(free_list_every_interleaving_of_get_and_get_get_put,
      .state_size = sizeof(struct state), .setup = open_3, .finish = all_there,
      .thread = {move_one, get_get_put}, .spurious = MODEL_NONE,
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
MODEL(free_list_depth_against_a_new_entry, .state_size = sizeof(struct state),
      .setup = open_1_of_2, .finish = all_there,
      .thread = {put_new, depth_is_at_least_1}, .spurious = 1,
      .bound = MODEL_UNBOUNDED, .deep_bound = MODEL_UNBOUNDED)
MODEL(free_list_cas_that_fails_for_no_reason,
      .state_size = sizeof(struct state), .setup = open_1, .finish = all_there,
      .thread = {use_one, use_one}, .spurious = 1, .bound = 2,
      .deep_bound = MODEL_UNBOUNDED)
LIST(one_against_one, open_1, use_one_twice, use_one_twice)
LIST(get_against_get_get_put, open_3, use_one, get_get_put)
LIST(batch_against_get_get_put, open_3, use_two, get_get_put)
LIST(one_among_three, open_1, use_one, use_one, use_one)
MODEL(free_list_two_gets_against_get_get_put,
      .state_size = sizeof(struct state), .setup = open_2, .finish = all_there,
      .thread = {use_one, move_one, get_get_put}, .spurious = MODEL_NONE,
      .deep_bound = 2, .deep_only = true)
LIST(batches, open_4, use_two, use_three_back_in_two)
LIST(two_lists_share_links, open_3, use_two, move_two, move_one)
LIST(depth_against_batches, open_3, use_two, use_one, look_at_depth)
