/* Bids come in by a channel, until nobody has bid for a while: mr_select waits
 * for the next bid, for the end of the auction, and no longer than that. */
#include <millrace.h>

#include <stdio.h>

enum { BIDS = 5 };

static int64_t bid(void *arg)
{
    mr_channel *bids = *(mr_channel **)arg;
    int64_t rc = 0;
    for (int price = 10; price <= BIDS * 10 && rc == 0; price += 10)
        rc = mr_send(bids, &price);
    return rc;
}

static int64_t auction(void *arg)
{
    mr_channel bids, stop, *to = &bids;
    int price, best = 0, n = 0;
    mr_scope scope;
    (void)arg;
    mr_channel_open(&bids, sizeof price, 0, NULL);
    mr_channel_open(&stop, 0, 0, NULL);
    mr_scope_open(&scope, MR_NEVER);
    mr_scope_go(&scope, bid, &to, sizeof to);
    for (int64_t which = 0; which == 0;) {
        mr_case cases[] = {mr_case_receive(&bids, &price),
                           mr_case_receive(&stop, NULL)};
        which = mr_select(cases, 2, mr_after(n < BIDS ? MR_S * 30 : MR_MS));
        if (which == 0 && ++n && price > best)
            best = price;
        else if (which == MR_ETIMEDOUT)
            printf("%d bids, then silence: sold for %d\n", n, best);
    }
    mr_channel_close(&bids);
    mr_channel_close(&stop);
    return mr_scope_close(&scope);
}

int main(void)
{
    return mr_main(NULL, auction, NULL) < 0;
}
