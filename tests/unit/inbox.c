#include "parts/inbox.h"

#include "test.h"

#include <millrace/error.h>
#include <signal.h>

struct item {
    mri_run_node node;
    int number;
};

static int number_of(mri_run_node *node)
{
    return mri_container_of(node, struct item, node)->number;
}

static void expect_list(mri_run_node *list, int first, int count)
{
    for (int i = 0; i < count; i++, list = list->next) {
        EXPECT(list != NULL);
        EXPECT_EQ(number_of(list), first + i);
    }
    EXPECT(list == NULL);
}

static void number(struct item *item, int count)
{
    for (int i = 0; i < count; i++)
        item[i].number = i;
}

TEST(inbox, is_empty_and_open_at_first)
{
    mri_inbox in;
    mri_inbox_open(&in);
    mri_inbox_check(&in);
    EXPECT(!mri_inbox_closed(&in));
    EXPECT(mri_inbox_take(&in) == NULL);
}

TEST(inbox, gives_back_in_order_and_tells_the_first)
{
    mri_inbox in;
    struct item item[5];
    mri_inbox_open(&in);
    number(item, 5);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++)
            EXPECT_EQ(mri_inbox_push(&in, &item[i].node), i == 0);
        mri_inbox_check(&in);
        expect_list(mri_inbox_take(&in), 0, 5);
        EXPECT(mri_inbox_take(&in) == NULL);
    }
}

TEST(inbox, chain_goes_in_at_once)
{
    mri_inbox in;
    struct item item[4];
    mri_inbox_open(&in);
    number(item, 4);
    EXPECT_EQ(mri_inbox_push(&in, &item[0].node), 1);
    item[3].node.next = &item[2].node;
    item[2].node.next = &item[1].node;
    EXPECT_EQ(mri_inbox_push_chain(&in, &item[3].node, &item[1].node), 0);
    expect_list(mri_inbox_take(&in), 0, 4);
    item[3].node.next = &item[2].node;
    EXPECT_EQ(mri_inbox_push_chain(&in, &item[3].node, &item[2].node), 1);
    expect_list(mri_inbox_take(&in), 2, 2);
}

TEST(inbox, close_keeps_what_is_in_and_refuses_the_rest)
{
    mri_inbox in;
    struct item item[3];
    mri_inbox_open(&in);
    number(item, 3);
    EXPECT_EQ(mri_inbox_push(&in, &item[0].node), 1);
    EXPECT_EQ(mri_inbox_push(&in, &item[1].node), 0);
    mri_inbox_close(&in);
    mri_inbox_check(&in);
    EXPECT(mri_inbox_closed(&in));
    EXPECT_EQ(mri_inbox_push(&in, &item[2].node), MR_ECANCELED);
    EXPECT_EQ(mri_inbox_push_behind(&in, &item[2].node), MR_ECANCELED);
    expect_list(mri_inbox_take(&in), 0, 2);
    EXPECT(mri_inbox_take(&in) == NULL);
    EXPECT(mri_inbox_closed(&in));
    mri_inbox_close(&in);
    EXPECT_EQ(mri_inbox_push_behind(&in, &item[2].node), MR_ECANCELED);
}

TEST(inbox, what_is_late_gets_in_though_closed)
{
    mri_inbox in;
    struct item item[3];
    mri_inbox_open(&in);
    number(item, 3);
    EXPECT_EQ(mri_inbox_push_late(&in, &item[0].node, &item[0].node), 1);
    mri_inbox_close(&in);
    EXPECT_EQ(mri_inbox_push_late(&in, &item[1].node, &item[1].node), 0);
    EXPECT(mri_inbox_closed(&in));
    expect_list(mri_inbox_take(&in), 0, 2);
    EXPECT(mri_inbox_is_empty(&in));
    EXPECT_EQ(mri_inbox_push_late(&in, &item[2].node, &item[2].node), 1);
    EXPECT(!mri_inbox_is_empty(&in));
    expect_list(mri_inbox_take(&in), 2, 1);
}

TEST(inbox, behind_others_means_not_into_an_empty_one)
{
    mri_inbox in;
    struct item item[2];
    mri_inbox_open(&in);
    number(item, 2);
    EXPECT_EQ(mri_inbox_push_behind(&in, &item[0].node), 1);
    EXPECT(mri_inbox_is_empty(&in));
    EXPECT_EQ(mri_inbox_push(&in, &item[0].node), 1);
    EXPECT_EQ(mri_inbox_push_behind(&in, &item[1].node), 0);
    expect_list(mri_inbox_take(&in), 0, 2);
}

TEST(inbox, the_word_of_a_node_stays_its_owners)
{
    mri_inbox in;
    struct item item = {.node.word = 42};
    mri_inbox_open(&in);
    EXPECT_EQ(mri_inbox_push(&in, &item.node), 1);
    EXPECT_EQ(mri_inbox_take(&in)->word, 42);
}

static void check_chain_in_a_ring(void *arg)
{
    mri_inbox in;
    struct item item[3] = {0};
    (void)arg;
    mri_inbox_open(&in);
    for (int i = 0; i < 3; i++)
        EXPECT(mri_inbox_push(&in, &item[i].node) >= 0);
    item[0].node.next = &item[2].node;
    mri_inbox_check(&in);
}

TEST(inbox, check_finds_a_chain_without_end)
{
    EXPECT(test_dies(check_chain_in_a_ring, NULL, SIGABRT,
                     "an inbox's chain ends"));
}
