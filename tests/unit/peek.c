/* os/peek.h and os/symbol.h: looking at what may not be there. */
#include "os/peek.h"

#include "os/pages.h"
#include "os/symbol.h"
#include "test.h"

#include <millrace/error.h>

TEST(peek, reads_what_is_there_and_says_what_is_not)
{
    size_t page = mri_page_size();
    void *two = NULL;
    char copy[32];
    EXPECT_EQ(mri_pages_map(&two, 2 * page), 0);
    char *at = (char *)two + page - 16;
    memcpy(at, "sixteen letters", 16);
    int rc = mri_peek(copy, at, 32);
    if (rc == MR_ENOSYS || rc == MR_EPERM)
        SKIP("a process may not look into itself here");
    EXPECT_EQ(rc, 0);
    EXPECT_STR(copy, "sixteen letters");
    EXPECT_EQ(mri_pages_unmap((char *)two + page, page), 0);
    EXPECT_EQ(mri_peek(copy, at, 16), 0);
    EXPECT_EQ(mri_peek(copy, at, 32), MR_EFAULT);
    EXPECT_EQ(mri_pages_unmap(two, page), 0);
    EXPECT_EQ(mri_peek(copy, at, 16), MR_EFAULT);
    EXPECT_EQ(mri_peek(copy, NULL, 16), MR_EFAULT);
}

static const char *symbol(uintptr_t code)
{
    static char buffer[256];
    mri_text t = MRI_TEXT(buffer);
    t.end--;
    mri_symbol_put(&t, code);
    *t.at = '\0';
    return buffer;
}

static void not_exported(void)
{
}

TEST(symbol, code_is_called_as_the_loader_knows_it)
{
    EXPECT_STR(symbol((uintptr_t)strerror), "strerror");
    EXPECT_STR(symbol((uintptr_t)strerror + 2), "strerror+0x2");
    EXPECT_STR(symbol(0), "0x0");
    EXPECT_STR(symbol(64), "0x40");
    const char *mine = symbol((uintptr_t)not_exported);
    EXPECT_MSG(strstr(mine, "(+0x") || strcmp(mine, "not_exported") == 0, "%s",
               mine);
}
