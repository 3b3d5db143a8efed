/* Channels, ours and others': what is measured, of all in the same way.
 *
 *  trip   two tasks, two channels without room: there and back, one worker
 *  1:1    senders and receivers over one channel with room for 128 items of 8
 *  4:1    bytes, two workers; from the start of all until the last one has
 *  4:4    ended, per item
 *
 * A peer is a program that is called with a case (senders and receivers; 0 0
 * for the trip) and how many items, and prints nanoseconds of each.
 */
#ifndef BENCH_CHANNEL_CHANNEL_H
#define BENCH_CHANNEL_CHANNEL_H

enum { CHANNEL_ROOM = 128, CHANNEL_MOST = 4 };

#endif
