# Run by cpack between installing and packing: makes Debian's changes to what `cmake --install` installs.

file(READ ${CPACK_DSFAILOVER_CHANGELOG} changelog)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, if it is set
string(REPLACE "@DATE@" "${date}" changelog "${changelog}")

function(compress file)
  execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${component})
  set(name dsfailover-${component})
  if(component STREQUAL program)
    set(name dsfailover)
  endif()
  set(doc ${root}/usr/share/doc/${name})
  file(WRITE ${doc}/changelog.Debian "${changelog}")
  compress(${doc}/changelog.Debian)
  file(COPY ${CPACK_DSFAILOVER_PACKAGING}/debian/copyright DESTINATION ${doc})
endforeach()

set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/program)
file(RENAME ${root}/usr/share/doc/dsfailover/CHANGELOG.md ${root}/usr/share/doc/dsfailover/changelog)
compress(${root}/usr/share/doc/dsfailover/changelog)
file(GLOB pages ${root}/usr/share/man/man*/*)
foreach(page IN LISTS pages)
  compress(${page})
endforeach()
file(COPY ${CPACK_DSFAILOVER_PACKAGING}/config.yaml DESTINATION ${root}/etc/dsfailover)
if(EXISTS ${root}/usr/share/zsh/site-functions)
  file(RENAME ${root}/usr/share/zsh/site-functions ${root}/usr/share/zsh/vendor-completions)
endif()
