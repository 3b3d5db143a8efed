/* Reads programs. Not instrumented: it runs between explorations, not in
 * them. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 1024 };

static bool parse_order(const char *text, enum order *order)
{
    static const char *const names[] = {"rlx", "acq", "rel", "acq_rel", "sc"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *order = (enum order)i;
            return true;
        }
    return false;
}

/* Which orders each kind has in base/atomic.h, as a mask. */
static unsigned orders_of(char kind)
{
    switch (kind) {
    case 'R':
        return 1u << RLX | 1u << ACQ;
    case 'W':
        return 1u << RLX | 1u << REL;
    case 'A':
    case 'C':
        return 1u << RLX | 1u << ACQ | 1u << REL | 1u << ACQ_REL;
    case 'F':
        return 1u << ACQ | 1u << REL | 1u << ACQ_REL | 1u << SC;
    default:
        return 0;
    }
}

/* How many arguments a kind has: the word, then numbers. */
static int arguments_of(char kind)
{
    return kind == 'R'                  ? 1
           : kind == 'W' || kind == 'A' ? 2
           : kind == 'C'                ? 3
                                        : 0;
}

static bool parse_operation(const char *text, struct operation *op)
{
    char kind, order[16] = "", word = 'x', excess;
    unsigned long first = 0, second = 0;
    memset(op, 0, sizeof *op);
    if (strcmp(text, "L") == 0 || strcmp(text, "H") == 0) {
        op->kind = text[0];
        return true;
    }
    int n = sscanf(text, "%c.%15s %c %lu %lu %c", &kind, order, &word, &first,
                   &second, &excess);
    if (n < 2 || n - 2 != arguments_of(kind) || word < 'x' || word > 'z' ||
        !parse_order(order, &op->order) || !(orders_of(kind) >> op->order & 1))
        return false;
    op->kind = kind;
    op->word = (unsigned)(word - 'x');
    op->first = first;
    op->second = second;
    return true;
}

/* Cuts the next piece off, without the spaces around it. */
static char *cut(char **rest, const char *at)
{
    char *piece = strsep(rest, at);
    if (!piece)
        return NULL;
    piece += strspn(piece, " \n");
    for (char *end = piece + strlen(piece);
         end > piece && (end[-1] == ' ' || end[-1] == '\n');)
        *--end = '\0';
    return piece;
}

static bool parse_thread(char *text, unsigned *length, struct operation op[])
{
    *length = 0;
    for (char *piece; (piece = cut(&text, ";"));) {
        if (*length == OPERATIONS || !parse_operation(piece, &op[*length]))
            return false;
        ++*length;
    }
    return true;
}

bool program_parse(const char *line, struct program *p)
{
    char copy[LINE_SIZE], *rest = copy;
    unsigned threads = 0;
    memset(p, 0, sizeof *p);
    bool fits = snprintf(copy, sizeof copy, "%s", line) < LINE_SIZE;
    for (char *thread; fits && (thread = cut(&rest, "|"));) {
        fits = threads < THREADS &&
               parse_thread(thread, &p->length[threads], p->operation[threads]);
        threads++;
    }
    if (!fits)
        fprintf(stderr, "not a program: %s\n", line);
    return fits;
}

bool program_read(struct program *p)
{
    char line[LINE_SIZE];
    if (!fgets(line, sizeof line, stdin))
        return false;
    if (!program_parse(line, p))
        exit(2);
    return true;
}
