/* See sum_progress.h. */
#include "sum_progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 24, LINE = 128 };

#define PERIOD (100 * MR_MS)
/* The bar comes when it takes longer than a glance. */
#define PATIENCE (300 * MR_MS)

const char *sum_progress_size(char *to, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1000;
        unit++;
    }
    snprintf(to, size, unit > 0 && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes,
             units[unit]);
    return to;
}

static void measure(sum_progress *p, int64_t now, int64_t bytes)
{
    double rate = (double)(bytes - p->last_bytes) * 1e9 /
                  (double)(now > p->last ? now - p->last : 1);
    /* The mean at first, then of about the last two seconds. */
    double weight = (double)PERIOD / (double)(now - p->started + PERIOD);
    weight = weight > 0.05 ? weight : 0.05;
    p->rate += weight * (rate - p->rate);
    p->last = now;
    p->last_bytes = bytes;
}

static int columns(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col
                                                                     : 80;
}

static int put_left(char *to, size_t size, double seconds)
{
    if (seconds > 359999)
        seconds = 359999;
    int64_t s = (int64_t)(seconds + 0.5), hours = s / 3600;
    if (hours > 0)
        return snprintf(to, size, ", %d:%02d:%02d left", (int)hours,
                        (int)(s / 60 % 60), (int)(s % 60));
    return snprintf(to, size, ", %d:%02d left", (int)(s / 60), (int)(s % 60));
}

/* As long as the walk goes on nobody knows the end. */
static void draw(sum_progress *p, const struct sum_counts *c)
{
    char text[LINE], done[16], all[16], rate[16], bar[WIDTH + 1];
    double share = c->bytes > 0 ? (double)c->bytes_done / (double)c->bytes : 0;
    share = share > 1 ? 1 : share;
    int full = (int)(share * WIDTH);
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)full);
    bar[WIDTH] = '\0';
    sum_progress_size(done, sizeof done, (double)c->bytes_done);
    sum_progress_size(all, sizeof all, (double)c->bytes);
    sum_progress_size(rate, sizeof rate, p->rate);
    int len;
    if (c->all_known) {
        len = snprintf(text, LINE, "[%s] %3.0f%% of %s, %s/s", bar, share * 100,
                       all, rate);
        if (p->rate > 0)
            put_left(text + len, LINE - (size_t)len,
                     (double)(c->bytes - c->bytes_done) / p->rate);
    } else {
        snprintf(text, LINE, "%s of %s so far, %jd files, %s/s", done, all,
                 (intmax_t)c->files_done, rate);
    }
    int width = columns() - 1;
    text[width < LINE - 1 ? width : LINE - 1] = '\0';
    sum_out_bar(p->out, text);
}

int64_t sum_progress_run(void *arg)
{
    sum_progress *p = arg;
    mr_interval interval;
    mr_interval_open(&interval, PERIOD);
    mr_task_name("sum progress");
    p->started = p->last = mr_now();
    while (mr_interval_wait(&interval) > 0) {
        struct sum_counts counts = sum_flow_counts(p->flow);
        int64_t now = mr_now();
        if (sum_out_flush(p->out) < 0)
            sum_flow_stop(p->flow);
        measure(p, now, counts.bytes_done);
        if (p->out->terminal && now - p->started >= PATIENCE)
            draw(p, &counts);
    }
    sum_out_bar(p->out, "");
    return 0;
}
