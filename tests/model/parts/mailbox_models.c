/* What must hold of the mailbox: everything that was let in is read, in the
 * callback of a bell that is made as libuv makes it, or at the close; nobody
 * rings a bell that is gone, and the reader is woken for everything. */
#include "parts/mailbox.h"

#include "model.h"

#include <millrace/error.h>

enum { MOST = 3, SOURCE = 0 };

/* A flag and an event, as uv_async_t; with no order but what the machine's
 * read-modify-writes need have: newer versions of libuv say relaxed. */
struct bell {
    mri_atomic_u32 pending;
};

struct state {
    mri_mailbox *box;  /* a block: it dies */
    struct bell *bell; /* likewise */
    struct letter {
        mri_run_node node;
        uint32_t end; /* plain: the reader closes afterwards */
        bool in, refused;
        uint32_t read;
    } letter[MOST];
    uint32_t calls;
    bool over;
    bool box_dies; /* with the bell: nobody puts who does not know better */
};

static void open(void *a)
{
    struct state *s = a;
    s->box = model_alloc(sizeof *s->box);
    s->bell = model_alloc(sizeof *s->bell);
    mri_mailbox_open(s->box);
    mri_init(&s->bell->pending, 0);
    model_name(&s->box->inbox.newest, 8, "newest");
    model_name(&s->box->rung, 4, "rung");
    model_name(&s->bell->pending, 4, "pending");
}

static void open_mortal(void *a)
{
    struct state *s = a;
    open(a);
    s->box_dies = true;
}

/* ---- The bell ----------------------------------------------------------- */

static void ring(struct bell *bell)
{
    if (mri_load_relaxed(&bell->pending) != 0)
        return;
    if (mri_swap_relaxed(&bell->pending, 1) == 0)
        model_event_post(SOURCE);
}

static void answer(struct state *s);

/* Sleeps for an event, and calls back. */
static void turn(struct state *s)
{
    model_event_wait(1U << SOURCE);
    if (mri_swap_relaxed(&s->bell->pending, 0) != 0)
        answer(s);
}

/* ---- Both sides --------------------------------------------------------- */

static int send(struct state *s, int i, bool last)
{
    struct letter *l = &s->letter[i];
    mri_mailbox *box = s->box;
    struct bell *bell = s->bell;
    l->end = last;
    int rc = mri_mailbox_put(box, &l->node);
    if (rc == 1) {
        ring(bell);
        mri_mailbox_rung(box);
    }
    if (rc < 0) {
        model_assert(rc == MR_ECANCELED);
        l->refused = true;
    }
    return rc;
}

static bool read_all(struct state *s)
{
    bool end = false;
    for (mri_run_node *n = mri_mailbox_take(s->box), *then; n; n = then) {
        struct letter *l = mri_container_of(n, struct letter, node);
        then = n->next;
        l->read++;
        end |= l->end;
    }
    return end;
}

static void answer(struct state *s)
{
    s->calls++;
    if (!read_all(s))
        return;
    mri_mailbox_close(s->box);
    (void)read_all(s);
    while (!mri_mailbox_is_over(s->box))
        mri_pause();
    model_free(s->bell);
    if (s->box_dies)
        model_free(s->box);
    s->over = true;
}

static void reads_to_the_end(void *a)
{
    struct state *s = a;
    while (!s->over)
        turn(s);
}

/* What was let in was read, once. */
static void all_read(void *a)
{
    struct state *s = a;
    model_assert(s->over);
    if (!s->box_dies) {
        model_assert(mri_mailbox_take(s->box) == NULL);
        model_free(s->box);
    }
    for (int i = 0; i < MOST; i++)
        model_assert(s->letter[i].read + s->letter[i].refused <= 1);
    model_assert(s->letter[0].read == 1);
}

/* ---- Models ------------------------------------------------------------- */

static void sends_the_end(void *a)
{
    model_assert(send(a, 0, true) >= 0);
}

static void sends_1(void *a)
{
    struct state *s = a;
    int rc = send(s, 1, false);
    s->letter[1].in = rc >= 0;
}

static void sends_2(void *a)
{
    struct state *s = a;
    int rc = send(s, 2, false);
    s->letter[2].in = rc >= 0;
}

static void sends_1_and_2(void *a)
{
    sends_1(a);
    sends_2(a);
}

static void in_is_read(void *a)
{
    struct state *s = a;
    all_read(a);
    for (int i = 1; i < MOST; i++)
        model_assert(s->letter[i].read == s->letter[i].in);
}

static void sends_1_then_the_end(void *a)
{
    struct state *s = a;
    sends_1(a);
    model_assert(s->letter[1].in);
    sends_the_end(a);
}

static void sends_thrice(void *a)
{
    sends_1_and_2(a);
    sends_the_end(a);
}

static void nothing_is_refused(void *a)
{
    struct state *s = a;
    in_is_read(a);
    for (int i = 0; i < MOST; i++)
        model_assert(s->letter[i].read == 1);
    model_assert(s->calls <= MOST);
}

#define MAILBOX(name_, setup_, finish_, ...)                                   \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = (finish_), .thread = {__VA_ARGS__})
/* Ten seconds and more at bound 2, if compare-and-swaps fail for no reason. */
#define MAILBOX_DEEP(name_, setup_, finish_, ...)                              \
    MODEL(name_, .state_size = sizeof(struct state), .setup = (setup_),        \
          .finish = (finish_), .spurious = MODEL_NONE, .deep_bound = 2,        \
          .bound = 1, .thread = {__VA_ARGS__})

MAILBOX(mailbox_one_sender, open_mortal, nothing_is_refused, reads_to_the_end,
        sends_thrice)
MAILBOX(mailbox_close_against_a_sender, open, in_is_read, reads_to_the_end,
        sends_the_end, sends_1)
MAILBOX_DEEP(mailbox_close_against_2_letters, open, in_is_read,
             reads_to_the_end, sends_the_end, sends_1_and_2)
MAILBOX_DEEP(mailbox_close_behind_a_letter, open, in_is_read, reads_to_the_end,
             sends_1_then_the_end, sends_2)
