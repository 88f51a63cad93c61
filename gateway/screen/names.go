// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

// firstNameList is a hand-written list of first names common in Germany, over
// several generations and origins. Names that are above all ordinary words or
// towns are left out; surnames are deliberately not listed anywhere, because a
// surname list hits too many ordinary nouns.
const firstNameList = `
Achim Adam Adelheid Adrian Agnes Alexander Alexandra Alfons Alfred Alice Alina Alois Amelie Anastasia Andrea Andreas Angela Angelika
Anita Anja Anke Ann Anna Annalena Anne Annegret Annelie Anneliese Annemarie Annette Annika Anselm Antje Anton Antonia Antonio Armin
Arno Arnold Arthur Artur Astrid Axel Barbara Bastian Beate Beatrice Beatrix Ben Benedikt Benjamin Bernd Bernhard Bert Berthold
Berta Bertram Bettina Bianca Birgit Birte Björn Bodo Bonifaz Boris Brigitta Brigitte Britta Bruno Burkhard Carina Carl Carla Carlotta
Carmen Carola Carolin Caroline Carsten Caspar Cathrin Cäcilia Celina Charlotte Chiara Christa Christel Christiane Christina Christine
Christof Christoph Clara Claudia Claus Clemens Conrad Constanze Cordula Corinna Cornelia Cornelius Dagmar Daniel Daniela Danuta David
Debora Dennis Denise Detlef Diana Diego Dieter Dietmar Dietrich Dirk Dominic Dominik Dominique Dora Doreen Doris Dorothea Dorothee
Eberhard Eckart Eckhard Eckhart Edda Edeltraud Edgar Edith Eduard Edwin Egon Ekkehard Eleonore Elena Elfriede Elisa Elisabeth Elke Ella Ellen
Elsbeth Else Elvira Emil Emilia Emilie Emily Emma Emmi Enno Erhard Eric Erich Erik Erna Erwin Esther Eugen Eva Evelin Evelyn Ewald
Fabian Fabio Fabienne Felicitas Felix Ferdinand Finn Fiona Florian Frank Franka Franz Franziska Frauke Frederik Frederike Frida Frieda
Friedemann Friederike Friedhelm Friedrich Fritz Gabi Gabriel Gabriela Gabriele Georg Gerald Gerda Gerd Gerhard Gerlinde Gernot Gero Gert
Gertraud Gertrud Gesa Gesine Gisela Gitta Gottfried Gregor Greta Gudrun Guido Gundula Gunnar Gunter Gunther Günter Günther Gustav Hanna
Hannah Hannelore Hannes Hans Hansjörg Hanspeter Harald Harry Hartmut Hedwig Heidi Heidemarie Heidrun Heike Heiko Heiner Heinrich Heinz
Helena Helene Helga Helge Helmut Helmuth Hendrik Henning Henri Henriette Henrik Henry Herbert Heribert Hermann Hermine Herta Hilde
Hildegard Hiltrud Holger Horst Hubert Hugo Ida Igor Ilka Ilona Ilse Imke Ina Ines Inga Inge Ingeborg Ingo Ingrid Ira Irene Iris Irina Irma
Irmgard Isabel Isabell Isabella Isolde Ivan Ivonne Jacob Jacqueline Jakob Jan Jana Janina Janine Jannik Jasmin Jennifer Jens Jessica Jil
Joachim Joanna Jochen Johann Johanna Johannes John Jolanda Jonas Jonathan Jörg Jörn Josef Josefine Joseph Josephine Joshua Judith Julia
Julian Juliana Juliane Julius Jürgen Justin Justus Jutta Kai Karin Karl Karla Karlheinz Karola Karolin Karoline Karsten Katarina Katharina Käthe
Kathleen Kathrin Kati Katja Katrin Kay Kerstin Kevin Kilian Kim Kirsten Klara Klaus Klaudia Klemens Knut Konrad Konstantin Konstanze Kornelia
Kristin Kristina Kristine Kurt Lara Larissa Lars Lasse Laura Laurin Lea Leander Lena Leni Lennart Leo Leon Leonard Leonhard Leonie Leopold Levin
Liane Lieselotte Lili Lilli Lilly Lina Linus Lisa Lisbeth Lorenz Lothar Lotte Louis Louisa Louise Luca Lucas Lucia Lucie Ludger Ludwig Luis
Luisa Luise Lukas Lutz Lydia Madeleine Magdalena Maik Maike Maja Malte Mandy Manfred Manuel Manuela Marc Marcel Marcella Marco Marcus Margarete
Margarethe Margit Margot Margret Margrit Maria Marianne Marie Marietta Marija Marika Marina Mario Marion Marita Marius Markus Marlene Marlies
Marlis Marta Martha Marten Martin Martina Marvin Mathias Mathilda Mathilde Mathis Matthias Matthäus Matteo Maurice Maximilian Mechthild Meike Meinhard
Melanie Melina Melissa Merle Mia Michael Michaela Michel Michelle Miguel Mika Mike Mila Mina Mira Miriam Mirjam Mirko Mona Monika Monique
Moritz Nadia Nadine Nadja Natalie Natascha Nele Nick Nicklas Niclas Nico Nicolai Nicolas Nicole Niels Niklas Niko Nikola Nikolai Nikolaus Nils Nina
Noah Nora Norbert Norman Olaf Oleg Olga Oliver Olivia Oskar Oswald Otmar Otto Pablo Pamela Pascal Patricia Patrick Patrik Paul Paula Paulina
Pauline Peer Peggy Peter Petra Phil Philip Philipp Philippa Pia Pierre Pius Rabea Raimund Rainer Ralf Ralph Ramona Raphael Rebecca Rebekka
Regina Regine Reiner Reinhard Reinhold Reinhild Renate René Ricarda Richard Rita Robert Roberto Robin Roland Rolf Romy Ronald Ronja Ronny Rosalie Rosemarie
Roswitha Rudi Rudolf Rupert Ruth Sabine Sabrina Samantha Samuel Sandra Sara Sarah Sascha Saskia Sebastian Selina Sibylle Siegbert Siegfried Sieglinde
Siegmund Sigrid Sigrun Silke Silvia Silvio Simon Simone Sina Sofia Sofie Sonja Sophia Sophie Stefan Stefanie Steffen Steffi Stella Stephan
Stephanie Sven Svenja Swantje Sybille Sylvia Tabea Tamara Tanja Tatjana Thea Theo Theodor Theresa Therese Thilo Thomas Thorben Thorsten Tilo
Timo Timon Tina Tino Tobias Tom Torben Torsten Traute Tristan Udo Ulf Uli Ulla Ulrich Ulrike Ursel Ursula Uschi Ute Utz Uwe Valentin Valentina
Valerie Vanessa Vera Verena Veronika Vincent Vinzenz Viktor Viktoria Volker Volkmar Waldemar Walburga Walter Walther Waltraud Waltraut Wendelin
Werner Wiebke Wilfried Wilhelm Wilhelmine Willi Willy Winfried Wolfgang Wolfram Xaver Yannick Yannik Yvonne Zoe
Achmed Ahmed Ahmet Aisha Ali Alper Amina Amir Aslan Aslı Aydın Ayhan Aylin Ayse Ayşe Aysel Ayten Aziz Baran Berfin Berkan Bilal Bülent Burak Can Canan
Cem Cemal Cengiz Ceren Ceylan Deniz Derya Dilara Dilek Ebru Ece Eda Elif Emine Emir Emre Enes Engin Ercan Erdal Erdem Erhan Erkan Erol Esra
Fadime Fatih Fatima Fatma Ferhat Feride Filiz Gökhan Gül Gülay Gülcan Gülsüm Hakan Halil Halime Hamid Hamza Hande Hasan Hatice Havva Hüseyin Huseyin
Hülya Ibrahim İbrahim Idris Ilhan Ilkay Imran Irfan Ismail Ismet Kaan Kadir Karim Kemal Kenan Kerem Khaled Khalid Khalil Koray Leila Leyla Mahmoud Mahmud
Mehmet Melek Meryem Merve Mesut Metin Mohamad Mohamed Mohammad Mohammed Muhammad Muhammed Murat Mustafa Nermin Nesrin Nihat Nuran Nuray Nurcan Nuri
Omar Ömer Onur Orhan Osman Özge Özgür Özlem Ramazan Rana Rashid Recep Rukiye Sabri Sahin Salim Samira Sami Samir Sedat Selda Selim Selma Semra
Serap Serdar Serhat Serkan Sevgi Sevim Sibel Sinan Songül Süleyman Sultan Suzan Şükrü Tamer Tarek Tarik Tayfun Tuncay Turgut Tülay Ufuk Uğur Ümit
Volkan Yasemin Yasin Yasmin Yıldız Yildiz Yılmaz Yusuf Youssef Zahra Zainab Zehra Zeynep Zübeyde Abdul Abdullah Abdulrahman Adnan Anas Ayman Bashar Farid
Farida Fadi Fares Ghassan Habib Haider Hassan Hussein Hind Iman Jamal Jamila Jawad Layla Mariam Maryam Nabil Nadim Noor Nour Rami Rania Reza
Said Salma Sayed Shirin Soraya Tariq Wael Walid Yahya Yara Zaid Zohra
Agnieszka Aleksander Aleksandra Alicja Andrzej Aneta Barbora Bartosz Beata Bogdan Bożena Czesław Dariusz Dorota Elżbieta Ewa Grażyna Grzegorz Halina
Henryk Iwona Jacek Jadwiga Janusz Jarosław Jerzy Joanna Józef Justyna Kamil Karolina Katarzyna Kazimierz Krystyna Krzysztof Leszek Łukasz
Maciej Małgorzata Marcin Marek Mariusz Mateusz Michał Mirosław Paweł Piotr Przemysław Radosław Rafał Renata Ryszard Sławomir Stanisław Stanislaw Tadeusz
Tomasz Wiesława Wojciech Zbigniew Zdzisław Zofia Zuzanna
Aleksandr Aleksej Alexej Alexei Andrej Andrei Anatoli Anatolij Dimitri Dimitrij Dmitri Dmitrij Ekaterina Ewgenij Evgeni Galina Gennadi Inna Irena
Jekaterina Jelena Juri Jurij Katerina Ksenia Larisa Lidia Ljudmila Ludmila Maksim Maxim Michail Nadeschda Natalia Natalja Nikita Oksana Olena Oleksandr Oleksandra
Pavel Pjotr Sergei Sergej Swetlana Svetlana Taras Tetiana Tatiana Valeri Vasyl Viktorija Vitali Vladimir Vladislav Volodymyr Wladimir Yana Yuri Yulia
Bogdana Cristian Cristina Dragan Dragana Dusan Elvis Florin Florentina Goran Gheorghe Ioana Ion Ivana Jelica Jovan Jovana Ljiljana Luka Marko Mihai Milan Mile
Milena Milica Miroslav Nenad Nikolina Petar Radu Sanja Senad Slavica Slobodan Snežana Stjepan Tihomir Vesna Vlado Vuk Zdravko Zeljko Zoran Zvonimir
Alessandro Alessandra Andreea Angelo Carlos Carmela Concetta Domenico Emanuele Enrico Ernesto Fernando Filippo Francesca Francesco Giacomo Gianluca Gianni
Giovanna Giovanni Giuseppe Giulia Javier Jorge Jose José Juan Lorenzo Luigi Manolis Maurizio Paolo Pedro Pietro Raffaele Riccardo Rosario Salvatore Sergio
Stefano Vincenzo Vito Dimitrios Dimitra Eleni Georgios Ioannis Konstantinos Kostas Nikos Panagiotis Stavros Theodoros Vasilios
Amadou Chinedu Emeka Fatou Ifeoma Kofi Kwame Mamadou Moussa Ngozi Oluwaseun Ousmane Samba Tesfaye Yohannes
Hiroshi Kenji Linh Minh Nguyen Phuong Thanh Thi Thuy Tuan Xiaoming Ravi Priya Rajesh Sanjay Sunita Anil Deepak Vijay
Erika Christian Roman Victor Viola Rosa Ernst`
