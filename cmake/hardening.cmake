# What makes a mistake in memory harder to use: the flags of Debian's own packages and those that GCC has besides. And paths
# of the machine that builds stand in nothing that is shipped.
include(CheckCXXCompilerFlag)
add_compile_options(-fstack-protector-strong -fstack-clash-protection -Wformat -Werror=format-security
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
# It needs an optimizing compiler.
add_compile_options($<$<CONFIG:Release>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
# Each is for one architecture; clang only warns of one that is not for its own.
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag -fcf-protection -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "HAS${flag}" has)
  check_cxx_compiler_flag(${flag} ${has})
  if(${has})
    add_compile_options(${flag})
  endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)
add_link_options(-Wl,-z,relro -Wl,-z,now)
