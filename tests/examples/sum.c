/* Sum an array with one thread per CPU that this process can really use. */
#include <millrace.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 10 * 1000 * 1000, MOST = 256 };

struct part {
    pthread_t thread;
    const int32_t *begin, *end;
    int64_t sum;
};

static void *sum_part(void *arg)
{
    struct part *part = arg;
    for (const int32_t *p = part->begin; p < part->end; p++)
        part->sum += *p;
    return NULL;
}

int main(void)
{
    static struct part parts[MOST];
    int cpus = mr_usable_cpus(), n = cpus < MOST ? cpus : MOST;
    int32_t *values = malloc(COUNT * sizeof *values);
    int64_t code = cpus < 0 ? cpus : values ? 0 : MR_ENOMEM, sum = 0;
    for (int i = 0; code == 0 && i < COUNT; i++)
        values[i] = i;
    for (int i = 0; code == 0 && i < n; i++) {
        parts[i].begin = values + (int64_t)COUNT * i / n;
        parts[i].end = values + (int64_t)COUNT * (i + 1) / n;
        code = -pthread_create(&parts[i].thread, NULL, sum_part, &parts[i]);
    }
    for (int i = 0; code == 0 && i < n; i++) {
        pthread_join(parts[i].thread, NULL);
        sum += parts[i].sum;
    }
    if (code < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(code), mr_strerror(code));
        return EXIT_FAILURE;
    }
    printf("%d numbers on %d CPUs: %" PRId64 "\n", COUNT, n, sum);
    free(values);
    return EXIT_SUCCESS;
}
