/* The outcomes of a litmus test: a set of short texts, one per execution, kept
 * over all executions of a model. */
#include "core/core.h"
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SLOTS = 1 << 13, MAX_OUTCOMES = SLOTS / 2, OUTCOME_SIZE = 64 };

/* slots: a hash table of indices into outcomes, plus one; 0 is empty. */
static char outcomes[MAX_OUTCOMES][OUTCOME_SIZE], outcome[OUTCOME_SIZE];
static uint16_t slots[SLOTS];
static unsigned count;

void model_outcome(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(outcome, sizeof outcome, format, args);
    va_end(args);
    if (n >= (int)sizeof outcome)
        engine_limit("an outcome longer than %d characters", OUTCOME_SIZE - 1);
}

void outcome_open(void)
{
    outcome[0] = '\0';
}

void outcome_reset(void)
{
    count = 0;
    memset(slots, 0, sizeof slots);
}

/* Where the word stands in slots, or the empty slot where it would. */
static uint16_t *slot_of(const char *word)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *p = word; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    hash ^= hash >> 16;
    for (;; hash++) {
        uint16_t *slot = &slots[hash % SLOTS];
        if (*slot == 0 || strcmp(outcomes[*slot - 1], word) == 0)
            return slot;
    }
}

void outcome_take(void)
{
    if (!outcome[0])
        return;
    uint16_t *slot = slot_of(outcome);
    if (*slot != 0)
        return;
    if (count == MAX_OUTCOMES)
        engine_limit("more than %d outcomes", MAX_OUTCOMES);
    memcpy(outcomes[count], outcome, sizeof outcome);
    *slot = (uint16_t)++count;
}

void outcome_print(void)
{
    printf("outcomes");
    for (unsigned i = 0; i < count; i++)
        printf(" %s", outcomes[i]);
    printf("\n");
}

static bool listed(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += len)
        if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
            return true;
    return false;
}

bool outcome_check(const struct model *m, bool all, char *why, size_t size)
{
    char list[512], *rest = list;
    for (unsigned i = 0; i < count; i++)
        if (!listed(m->outcomes, outcomes[i])) {
            snprintf(why, size, "outcome %s was reached and is forbidden",
                     outcomes[i]);
            return false;
        }
    snprintf(list, sizeof list, "%s", m->outcomes);
    for (char *word; all && (word = strtok_r(rest, " ", &rest));)
        if (*slot_of(word) == 0) {
            snprintf(why, size, "outcome %s is allowed and was never reached",
                     word);
            return false;
        }
    return true;
}
