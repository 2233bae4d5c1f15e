# Removes the files that the last `cmake --install` of this build folder wrote, by its install_manifest.txt,
# and the folders that are then empty. bin, lib, share and their parents stay: others may use them.

set(MANIFEST ${CMAKE_CURRENT_BINARY_DIR}/install_manifest.txt)
if(NOT EXISTS ${MANIFEST})
  message(FATAL_ERROR "Nothing was installed from here: there is no ${MANIFEST}")
endif()
file(STRINGS ${MANIFEST} INSTALLED)

# The prefix.
set(PREFIX ${INSTALLED})
list(FILTER PREFIX INCLUDE REGEX "/bin/dsfailover$")
string(REGEX REPLACE "/bin/dsfailover$" "" PREFIX "${PREFIX}")

foreach(installed IN LISTS INSTALLED)
  file(REMOVE "$ENV{DESTDIR}${installed}")
  get_filename_component(folder "${installed}" DIRECTORY)
  while(folder MATCHES "^${PREFIX}/[^/]+/")
    file(GLOB left "$ENV{DESTDIR}${folder}/*" "$ENV{DESTDIR}${folder}/.*")
    if(left)
      break()
    endif()
    file(REMOVE_RECURSE "$ENV{DESTDIR}${folder}")
    get_filename_component(folder "${folder}" DIRECTORY)
  endwhile()
endforeach()
file(REMOVE ${MANIFEST})
