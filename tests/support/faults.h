/* Make the nth system call of the library fail. The testing twin asks
 * mri_fault() before each (src/os/sys.h).
 *
 * The usual test fails every call of a scenario once:
 *
 *     for (int n = 1;; n++) {
 *         faults_arm(n, ENOMEM);
 *         int rc = scenario();
 *         if (!faults_disarm())      // fewer than n calls: all were failed
 *             break;
 *         EXPECT(rc < 0);
 *     }
 */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include <stdbool.h>

/* From now on count calls; the nth fails with `error`. */
void faults_arm(int nth, int error);

/* The same, counting only calls of this name ("mmap"); from the nth on all
 * of them fail when `forever`. */
void faults_arm_call(const char *call, int nth, int error, bool forever);

/* These neither fail nor count, until told otherwise; NULL: there are none. */
void faults_spare(bool (*spared)(const char *call));

/* Stop. True when the armed call was reached and so failed. */
bool faults_disarm(void);

/* Until told otherwise do this before each call, on the thread that makes it:
 * what another thread might do just then, without one. NULL: nothing. */
void faults_before(void (*step)(const char *call));

/* Name of the call that failed last, or NULL; calls counted since arming. */
const char *faults_last(void);
int faults_count(void);

#endif
