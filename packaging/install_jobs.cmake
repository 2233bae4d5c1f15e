# Installs systemd's units and the lines for cron, with the program's path in this prefix.

# A macro, since the list of installed files is a variable of the calling script.
macro(install_job file folder)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(REPLACE /usr/bin/dsfailover ${CMAKE_INSTALL_PREFIX}/bin/dsfailover text "${text}")
  set(installed ${CMAKE_INSTALL_PREFIX}/${folder}/${name})
  message(STATUS "Installing: $ENV{DESTDIR}${installed}")
  file(WRITE "$ENV{DESTDIR}${installed}" "${text}")
  file(CHMOD "$ENV{DESTDIR}${installed}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${installed})
endmacro()

file(GLOB units ${PACKAGING}/systemd/*.service ${PACKAGING}/systemd/*.timer)
foreach(unit IN LISTS units)
  install_job(${unit} lib/systemd/system)
endforeach()
install_job(${PACKAGING}/cron/dsfailover.cron ${DOCDIR}/examples)
