/* The system's resolver, with names of the test's own: resolver.c defines
 * getaddrinfo and getnameinfo in the test program (to be linked with its
 * symbols exported), where libuv finds them first.
 *
 *   n7.test        192.0.2.7; any number below 256
 *   xn--tda.test   192.0.2.255
 *   several.test   what resolver_says was told last
 *   hangs.test     does not answer while it is held up; then EAI_AGAIN
 *
 * An address of which the name is asked for hangs while it is held up too, then
 * it is the system's turn; so are all other names.
 */
#ifndef TESTS_SUPPORT_RESOLVER_H
#define TESTS_SUPPORT_RESOLVER_H

#include <stdbool.h>

/* Numeric, in this order, up to NULL. */
void resolver_says(const char *const *addresses);

/* From now on it hangs; or those that hang get their answer. */
void resolver_hold(void);
void resolver_let_go(void);

/* How many hang now; how many names and addresses it was asked for so far. */
int resolver_hanging(void);
int resolver_asked(void);

/* Before the next use. */
void resolver_reset(void);

#endif
