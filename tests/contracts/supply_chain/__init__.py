"""What OYL installs to run: the distributions of requirements.txt, the native libraries and programs inside of their wheels,
their licences, and what was found when they were searched for connections that nobody asked for."""
