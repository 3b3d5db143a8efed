/* Signals: a service that works until it is told to stop, and reads its
 * settings again when it is told to. */
#define _GNU_SOURCE
#include <millrace.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the service does until its scope is cut short. */
static int64_t works(void *arg)
{
    (void)arg;
    while (mr_sleep(5 * MR_MS) == 0)
        ;
    return 0;
}

/* An operator, in place of a shell. The system makes one of two signals that
 * have not been delivered yet, so this one waits to be heard. */
static int64_t operates(void *arg)
{
    mr_channel *heard = arg;
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) {
        kill(getpid(), i < 2 ? SIGHUP : SIGTERM);
        rc = mr_receive(heard, NULL);
    }
    return rc;
}

static int64_t serves(mr_handle signals, mr_channel *heard)
{
    mr_scope scope;
    unsigned count;
    int signo, times = 0;
    mr_scope_open(&scope, MR_NEVER);
    int64_t rc = mr_scope_go(&scope, works, NULL, 0);
    do {
        signo = mr_signal_wait(signals, &count);
        if (signo == SIGHUP)
            times += (int)count;
        mr_send(heard, NULL);
    } while (signo == SIGHUP);
    mr_scope_cancel(&scope);
    mr_scope_close(&scope);
    return rc < 0 ? rc : signo == SIGTERM ? times : MR_EPROTO;
}

static int64_t root(void *arg)
{
    const int watched[] = {SIGHUP, SIGTERM};
    mr_channel heard;
    mr_task operator;
    (void)arg;
    mr_handle signals = mr_signal_open(watched, 2);
    if (signals < 0)
        return signals;
    mr_channel_open(&heard, 0, 0, NULL);
    mr_spawn(&operator, operates, &heard);
    int64_t times = serves(signals, &heard);
    int64_t operated = mr_await(&operator);
    mr_channel_close(&heard);
    mr_close(signals); /* from here on SIGTERM ends the program again */
    return operated < 0 ? operated : times;
}

int main(void)
{
    int64_t times = mr_main(NULL, root, NULL);
    if (times < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(times), mr_strerror(times));
        return EXIT_FAILURE;
    }
    printf("settings read %d times, then told to stop\n", (int)times);
    return times == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
