/* What code is called: the name of a function, as far as the loader knows it.
 *
 * Must not know: what the code is for.
 */
#ifndef MRI_OS_SYMBOL_H
#define MRI_OS_SYMBOL_H

#include "base/text.h"

/* «name» at the beginning of a function that some module exports, «name+0x12»
 * within; else «module(+0x1234)», which addr2line and debuggers understand;
 * else «0x55...». Any address. Takes the loader's lock, which a signal handler
 * may find taken, though not by its own thread: it can be taken again. */
void mri_symbol_put(mri_text *t, uintptr_t code);

#endif
