add_library(haumea_warnings INTERFACE)
target_compile_options(haumea_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror)
