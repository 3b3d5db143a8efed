/* Five philosophers at a round table, a fork between each two, and both of his
 * forks for a meal. Each takes the left one first, so that all might hold one
 * and wait for the other for ever. But who would close the circle is told so:
 * he puts his fork down, and tries again. */
#include <millrace.h>

#include <stdio.h>
#include <stdlib.h>

enum { SEATS = 5, MEALS = 100 };

struct table {
    mr_mutex fork[SEATS]; /* zeros: nobody holds them */
    mr_barrier seated;
    int meals[SEATS]; /* each under the left fork of who eats */
};

struct seat {
    struct table *table;
    int number;
};

static int64_t eat(struct table *t, int left, int right)
{
    int64_t rc = mr_mutex_lock(&t->fork[left]);
    if (rc < 0)
        return rc;
    mr_yield(); /* he philosophises */
    rc = mr_mutex_lock(&t->fork[right]);
    if (rc == 0) {
        t->meals[left]++;
        mr_mutex_unlock(&t->fork[right]);
    }
    mr_mutex_unlock(&t->fork[left]);
    return rc;
}

static int64_t philosopher(void *arg)
{
    struct seat *seat = arg;
    int left = seat->number, right = (left + 1) % SEATS;
    int64_t rc = mr_barrier_wait(&seat->table->seated);
    for (int meals = 0; rc >= 0 && meals < MEALS; meals += rc == 0) {
        rc = eat(seat->table, left, right);
        if (rc == MR_EDEADLK)
            rc = 1; /* another time */
    }
    return rc;
}

static int64_t dinner(void *arg)
{
    struct table *t = arg;
    mr_scope scope;
    int64_t rc = mr_barrier_open(&t->seated, SEATS);
    mr_scope_open(&scope, MR_NEVER);
    for (int i = 0; rc == 0 && i < SEATS; i++)
        rc = mr_scope_go(&scope, philosopher, &(struct seat){t, i},
                         sizeof(struct seat));
    if (rc < 0)
        mr_scope_cancel(&scope); /* those who are seated wait for the rest */
    int64_t ate = mr_scope_close(&scope);
    return rc < 0 ? rc : ate;
}

int main(void)
{
    static struct table table;
    int64_t rc = mr_main(NULL, dinner, &table);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", mr_error_name(rc), mr_strerror(rc));
        return EXIT_FAILURE;
    }
    printf("%d philosophers", SEATS);
    for (int i = 0; i < SEATS; i++)
        printf(", %d", table.meals[i]);
    printf(" meals\n");
    return EXIT_SUCCESS;
}
