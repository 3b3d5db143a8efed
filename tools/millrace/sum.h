/* `millrace sum`: what its files share.
 *
 *     produce (sum_walk.c, sum_check.c)   names what there is to digest
 *       -> flow (sum_flow.c)              whose hands digest it (sum_file.c)
 *       -> finish (sum_lines.c, sum_check.c)   says so, in the order of produce
 *
 * An item is its producer's until sum_flow_put, then of the hand that digests
 * it, then of the finisher; the flow's lock stands between these, so nothing in
 * it is atomic.
 */
#ifndef MILLRACE_SUM_H
#define MILLRACE_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUM_DIGEST_MOST = 64 /* bytes */ };

struct sum_algorithm;
struct sum_list;

typedef struct sum_options {
    const struct sum_algorithm *algorithm;
    bool algorithm_given; /* or else what the tags of a list say */
    bool check, quiet, status, strict, warn, ignore_missing;
    bool follow, tag, zero, json, stats, help;
    unsigned workers;
    char **paths; /* at least one */
    int count;
} sum_options;

enum sum_kind {
    SUM_FILE,         /* to be digested */
    SUM_SKIPPED,      /* a FIFO, a socket, a device that a walk has met */
    SUM_FAILED,       /* error says why, digested or not */
    SUM_MISFORMATTED, /* a line of `list`, whose name path is; size: which */
    SUM_UNREAD,       /* a list that could not be opened; error says why */
    SUM_LIST_END      /* of `list`, whose name path is */
};

typedef struct sum_item {
    struct sum_item *next;  /* in the order of output */
    struct sum_item *after; /* in that of digesting */
    const struct sum_algorithm *algorithm;
    enum sum_kind kind;
    bool done;
    bool named;   /* on the command line or in a list, not met by a walk */
    bool slow;    /* opening or reading may wait for somebody */
    bool changed; /* somebody wrote while we read */
    int error;    /* negative code */
    int64_t size; /* expected; once done, bytes that were digested */
    unsigned char digest[SUM_DIGEST_MOST];
    struct sum_list *list; /* that it stands in, with what is expected */
    unsigned char expected[SUM_DIGEST_MOST];
    size_t bytes; /* that this item takes */
    char path[];
} sum_item;

/* NULL: no memory. All zero but the path, a copy, and `bytes`. */
sum_item *sum_item_new(enum sum_kind kind, const char *path);

/* Parse: false, and it was said why. */
bool sum_options_parse(sum_options *options, int argc, char **argv);

#endif
