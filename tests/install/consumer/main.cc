// What a C++ program of somebody else's looks like.
#include <millrace.h>

#include <iostream>
#include <string_view>

int main()
{
    if (std::string_view(mr_version()) != MR_VERSION_STRING)
        return 1;
    std::cout << "millrace " << mr_version() << ": " << mr_error_name(MR_ENOMEM)
              << ", "
              << (mr_usable_cpus() >= 1 ? "usable CPUs found" : "no CPUs")
              << "\n";
}
