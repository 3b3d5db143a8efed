/* The words of a text, counted by a pipeline: one task splits, some measure,
 * one adds up. Channels between them hold a few
 * items each, so that none runs far ahead of the next. */
#include <millrace.h>

#include <stdio.h>
#include <string.h>

enum { ROOM = 8, MEASURERS = 4 };

struct word {
    char text[32];
};

struct line {
    mr_channel words, lengths;
    struct word word_room[ROOM];
    size_t length_room[ROOM];
};

static int64_t split(void *arg)
{
    static const char text[] = "the race is the channel that brings water to "
                               "a mill the wheels are the cores";
    struct line *line = *(struct line **)arg;
    int64_t rc = 0;
    for (const char *at = text; *at && rc == 0;) {
        struct word word = {""};
        size_t n = strcspn(at, " ");
        memcpy(word.text, at, n < sizeof word.text ? n : sizeof word.text - 1);
        rc = mr_send(&line->words, &word);
        at += n + strspn(at + n, " ");
    }
    mr_channel_close(&line->words); /* who receives sees the end */
    return rc;
}

static int64_t measure(void *arg)
{
    struct line *line = *(struct line **)arg;
    struct word word;
    int64_t rc;
    while ((rc = mr_receive(&line->words, &word)) == 0) {
        size_t length = strlen(word.text);
        if ((rc = mr_send(&line->lengths, &length)) < 0)
            return rc;
    }
    return rc == MR_EOF ? 0 : rc;
}

static int64_t measure_all(void *arg)
{
    struct line *line = *(struct line **)arg;
    mr_scope scope;
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; i < MEASURERS; i++)
        mr_scope_go(&scope, measure, &line, sizeof(void *));
    int64_t rc = mr_scope_close(&scope);
    mr_channel_close(&line->lengths);
    return rc;
}

static int64_t run(void *arg)
{
    struct line line, *at = &line;
    size_t length, words = 0, letters = 0;
    mr_scope scope;
    (void)arg;
    mr_channel_open(&line.words, sizeof(struct word), ROOM, line.word_room);
    mr_channel_open(&line.lengths, sizeof length, ROOM, line.length_room);
    mr_scope_open(&scope, mr_after(10 * MR_S));
    mr_scope_go(&scope, split, &at, sizeof(void *));
    mr_scope_go(&scope, measure_all, &at, sizeof(void *));
    while (mr_receive(&line.lengths, &length) == 0) {
        words++;
        letters += length;
    }
    int64_t rc = mr_scope_close(&scope);
    printf("%zu words, %zu letters\n", words, letters);
    return rc;
}

int main(void)
{
    return mr_main(NULL, run, NULL) < 0;
}
